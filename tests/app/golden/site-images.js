self.catalogueImages={"version":1,"series":["3.13","3.12"],"variant":["full"],"suite":["bookworm"],"platform":["linux/amd64","linux/arm64/v8"],"state":["checked","built"],"images":[
["3.13.0-bookworm","6fde4aeb5d967e08ea95a3fd5f666b7f9a2334c1c30980780bf998165d411e2b",0,0,0,0,0,41418,1790000000,["3.13-bookworm","3.13"],"3.13.0"],
["3.12.7-bookworm","e6a8ef058cc35e8248f443ca345cebda6958a43b0a1d05d27172bd0a2c3093a4",1,0,0,1,1,20820,1790000000,["3.12-bookworm"],"3.13.0"]
]};
