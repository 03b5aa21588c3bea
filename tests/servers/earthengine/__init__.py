"""A local Earth Engine.

The unmodified `earthengine-api` and seedbed's own client talk to it over HTTP. It checks every call against the signatures that the
library ships, evaluates the expression on the requested pixels over a synthetic world in which every value is known, keeps the
documented limits, and fails in all the ways in which a service can fail. Each sensor has its own raster and dates, the archives end
some days before today and grow, tiles of terrain are missing over the sea, and passes of radar can leave places out. What only the
real service can show is in UNVERIFIED.md; `verify` asks it.

    server      HTTP: what is asked, what is answered
    graph       an expression: its signatures, its evaluation
    functions   what Earth Engine's functions do with images
    images      images, bands and pixels
    world       the synthetic world: collections, clouds, fields
    limits      what the service refuses
    faults      what can go wrong on the way
    accounts    service accounts and tokens
    tasks       batch exports
    demo        `make demo-export`
    verify      `make try-earthengine`
"""
