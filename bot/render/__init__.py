"""Turn what stands in the market into pictures and the words that go with them.

The way in is `bot.render.renderer.Renderer`: it takes a `bot.render.request.HeatmapRequest` and a grid and
returns a `bot.render.picture.Picture`. Drawing runs in a worker process, which loads this package too: so
nothing is imported here, and the process that serves users never loads matplotlib.
"""
