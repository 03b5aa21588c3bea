"""What Earth Engine's functions do with images. Each is found by its name in the shipped list of algorithms."""

import datetime as dt

import numpy as np
import pyproj
from scipy import ndimage

from .images import Band, Image, pairs
from .limits import Refusal

FUNCTIONS = {}


def function(*names):
    """Register a function of (evaluator, **arguments)."""

    def register(f):
        for name in names:
            FUNCTIONS[name] = f
        return f

    return register


# --- what is there -------------------------------------------------------------------------------------------------------------------


def asset_of(ev, id, kind):
    """An asset of the world, or the service's words for one that is not there."""
    if id not in ev.world:
        raise Refusal(
            f"{kind}.load: {kind} asset '{id}' not found (does not exist or caller does not have access)."
        )
    asset = ev.world[id]
    if (kind == "ImageCollection") != bool(asset.every or asset.tiled):
        raise Refusal(f"{kind}.load: Asset '{id}' is not an {kind}.")
    return asset


class Loaded:
    """A collection of which nothing has been looked at: of ten years of scenes most requests want a month."""

    def __init__(self, asset, name, pixels):
        self.asset, self.name, self.pixels = asset, name, pixels

    def __iter__(self):
        if self.asset.tiled:
            return iter([self.asset.tile(self.name, self.pixels, 0, 0)])
        return iter(self.asset.scenes(self.name, self.pixels))

    def __getitem__(self, index):
        return list(self)[index]


@function("ImageCollection.load")
def _(ev, id, version=None):
    return Loaded(asset_of(ev, id, "ImageCollection"), id, ev.pixels)


@function("Image.load")
def _(ev, id, version=None):
    return asset_of(ev, id, "Image").scene(id, 0, None, ev.pixels)


# --- filters ---------------------------------------------------------------------------------------------------------------------------


def day(value):
    """A date of text or milliseconds."""
    if isinstance(value, str):
        return dt.date.fromisoformat(value[:10])
    return (
        dt.datetime.fromtimestamp(value / 1000, dt.timezone.utc).date()
        if isinstance(value, (int, float))
        else value
    )


class Dates:
    """Scenes from a day on, and before another."""

    def __init__(self, first, after, field):
        self.first, self.after, self.field = first, after, field

    def __call__(self, image):
        return self.first <= image.properties[self.field] < self.after


class Where:
    """Scenes of a region: where the region is not, they have no pixels for this request."""

    def __init__(self, region):
        corners = np.array(region["coordinates"]).reshape(-1, 2)
        self.west, self.south = corners.min(0)
        self.east, self.north = corners.max(0)

    def touches(self, footprint):
        """Whether a scene lies in the region, at least in part."""
        if footprint is None:
            return True
        west, south, east, north = footprint
        return (
            west <= self.east and self.west <= east and south <= self.north and self.south <= north
        )

    def cut(self, collection, pixels):
        """The images without pixels far from the region: a request for another place than the region's finds nothing there."""
        collection = [i for i in collection if self.touches(i.properties.get("system:footprint"))]
        if pixels is None:  # a value is computed, not an image
            place = {"system:place": ((self.west + self.east) / 2, (self.south + self.north) / 2)}
            return [Image(i.make_bands, i.properties | place) for i in collection]
        lon, lat = pixels.lonlat
        east = np.where(
            lon < self.west - 180, lon + 360, lon
        )  # of a region that crosses the date line
        near = (
            (east > self.west - 0.02)
            & (east < self.east + 0.02)
            & (lat > self.south - 0.02)
            & (lat < self.north + 0.02)
        )

        def band(b):
            return Band(lambda: (b.result[0], b.result[1] & near))

        def image(i):
            return i.with_bands(lambda: {n: band(b) for n, b in i.bands.items()})

        return collection if near.all() else [image(i) for i in collection]


@function("Collection.filter")
def _(ev, collection, filter):
    if isinstance(filter, Dates) and isinstance(collection, Loaded):
        return collection.asset.scenes(collection.name, ev.pixels, filter.first, filter.after)
    if isinstance(filter, Where):
        if isinstance(collection, Loaded) and collection.asset.tiled:
            box = filter.west, filter.south, filter.east, filter.north
            collection = collection.asset.tiles(collection.name, ev.pixels, box)
        return filter.cut(collection, ev.pixels)
    return [image for image in collection if filter(image)]


@function("Filter.intersects")
def _(ev, leftField=None, rightValue=None, **_):
    return Where(rightValue["geometry"] if "geometry" in rightValue else rightValue)


@function("Filter.dateRangeContains")
def _(ev, leftValue, rightField, **_):
    return Dates(*leftValue, rightField)


@function("Filter.equals")
def _(ev, leftField=None, rightValue=None, **_):
    return lambda image: image.properties.get(leftField) == rightValue


@function("Filter.listContains")
def _(ev, leftField=None, rightValue=None, **_):
    return lambda image: rightValue in image.properties.get(leftField, [])


@function("Filter.greaterThan")
def _(ev, leftField=None, rightValue=None, **_):
    return lambda image: image.properties[leftField] > rightValue


@function("Filter.not")
def _(ev, filter):
    return lambda image: not filter(image)


@function("If")
def _(ev, condition, trueCase=None, falseCase=None):
    return trueCase if condition else falseCase


@function("DateRange")
def _(ev, start, end=None, timeZone=None):
    return day(start), day(end)


@function(
    "GeometryConstructors.Polygon",
    "GeometryConstructors.Rectangle",
    "GeometryConstructors.BBox",
    "GeometryConstructors.Point",
    "Projection",
    "Feature",
    "ErrorMargin",
)
def _(ev, **arguments):
    return arguments


# --- collections -----------------------------------------------------------------------------------------------------------------------


@function("ImageCollection.fromImages")
def _(ev, images):
    return list(images)


@function("ImageCollection.merge", "Collection.merge")
def _(ev, collection1, collection2):
    return list(collection1) + list(collection2)


@function("Collection.map")
def _(ev, collection, baseAlgorithm, dropNulls=None, **_):
    return [baseAlgorithm(image) for image in collection]


@function("Collection.first")
def _(ev, collection):
    return next(iter(collection), None)


@function("Image.linkCollection")
def _(
    ev,
    input,
    imageCollection,
    linkedBands=None,
    linkedProperties=None,
    matchPropertyName="system:index",
):
    other = next(
        (
            i
            for i in imageCollection
            if i.properties[matchPropertyName] == input.properties[matchPropertyName]
        ),
        None,
    )
    wanted = [linkedBands] if isinstance(linkedBands, str) else list(linkedBands)
    shape = ev.pixels.height, ev.pixels.width
    nothing = Band(lambda: (np.zeros(shape), np.zeros(shape, bool)))
    return input.with_bands(
        input.bands | {name: other.bands[name] if other else nothing for name in wanted}
    )


@function("Collection.limit")
def _(ev, collection, limit=None, key=None, ascending=True):
    images = list(collection)
    if key:
        images.sort(key=lambda image: image.properties[key], reverse=not ascending)
    return images[:limit]


@function("Collection.size")
def _(ev, collection):
    return len(list(collection))


@function("AggregateFeatureCollection.array")
def _(ev, collection, property):
    return [read_property(image, property) for image in collection]


@function("List.add")
def _(ev, list, element):
    return [*list, element]


@function("List.reduce")
def _(ev, list, reducer):
    return {"min": min, "max": max, "sum": sum}[reducer](list)


# --- numbers, dates and properties -----------------------------------------------------------------------------------------------------


NUMBERS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "max": max,
    "gte": lambda a, b: int(a >= b),
}
for _name, _apply in NUMBERS.items():
    FUNCTIONS[f"Number.{_name}"] = lambda ev, left, right, f=_apply: f(left, right)
for _name, _apply in {"abs": abs, "sin": np.sin, "cos": np.cos, "tan": np.tan}.items():
    FUNCTIONS[f"Number.{_name}"] = lambda ev, input, f=_apply: f(input)
for _name in ("mean", "max", "min", "sum"):
    FUNCTIONS[f"Reducer.{_name}"] = lambda ev, name=_name, **_: name


def milliseconds(date):
    """Since 1970."""
    start = dt.datetime.combine(date, dt.time(), dt.timezone.utc)
    return int(start.timestamp() * 1000)


def read_property(image, name):
    """A property as a program of Earth Engine sees it: a date is a number."""
    value = image.properties.get(name)
    return milliseconds(value) if isinstance(value, dt.date) else value


@function("Element.get")
def _(ev, object, property):
    if object is None:
        raise Refusal("Element.get: Parameter 'object' is required and may not be null.")
    return read_property(object, property)


@function("Element.set")
def _(ev, object, key, value):
    return Image(object.make_bands, object.properties | {key: value})


@function("Date")
def _(ev, value, timeZone=None):
    return day(value)


@function("Date.advance")
def _(ev, date, delta, unit, timeZone=None):
    if unit == "day":
        return date + dt.timedelta(days=delta)
    assert unit == "month" and delta == 1 and date.day == 1
    return (date + dt.timedelta(days=32)).replace(day=1)


@function("Date.difference")
def _(ev, date, start, unit):
    assert unit == "day"
    return (date - start).days


@function("ImageCollection.toBands")
def _(ev, collection):
    return Image(
        {
            f"{k}_{name}": band
            for k, image in enumerate(collection)
            for name, band in image.bands.items()
        }
    )


# --- reducers --------------------------------------------------------------------------------------------------------------------------


def median(values, valid):
    """Of the pixels that count; the mean of the two in the middle where their number is even."""
    ordered, count = np.sort(np.where(valid, values, np.inf), axis=0), valid.sum(0)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(values) - 1)
    with np.errstate(invalid="ignore"):
        middle = (
            np.take_along_axis(ordered, low[None], 0)[0]
            + np.take_along_axis(ordered, high[None], 0)[0]
        ) / 2
    return np.where(count > 0, middle, 0)


def last(values, valid):
    """Of the uppermost scene that counts."""
    top = len(values) - 1 - valid[::-1].argmax(0)
    return np.take_along_axis(values, top[None], 0)[0]


def mode(values, valid):
    """The most frequent value of the pixels that count; of two, the lower."""
    kinds = np.unique(values[valid])
    counts = [((values == kind) & valid).sum(0) for kind in kinds]
    return kinds[np.argmax(counts, axis=0)] if counts else np.zeros(values.shape[1:])


REDUCE = {
    "reduce.mode": mode,
    "reduce.median": median,
    "reduce.mean": lambda v, m: np.where(m, v, 0).sum(0) / np.maximum(m.sum(0), 1),
    "reduce.sum": lambda v, m: np.where(m, v, 0).sum(0),
    "reduce.min": lambda v, m: np.where(m, v, np.inf).min(0),
    "reduce.max": lambda v, m: np.where(m, v, -np.inf).max(0),
    "ImageCollection.mosaic": last,
}


def reducer(statistic):
    """A function that makes one image of a collection; of an empty one an image without bands, which is Earth Engine's trap."""

    def reduce(ev, collection):
        if not collection:
            return Image({})
        names = list(collection[0].bands)
        if any(list(image.bands) != names for image in collection):
            raise Refusal(
                "ImageCollection.reduce: Expected a homogeneous image collection, but an image with incompatible bands was encountered."
            )

        def band(name):
            def compute():
                values, valid = (
                    np.stack(part)
                    for part in zip(*(image.bands[name].result for image in collection))
                )
                counts = valid.any(0)
                return np.where(counts, statistic(values.astype("float64"), valid), 0), counts

            return Band(compute)

        return Image({name: band(name) for name in names})

    return reduce


for _name, _statistic in REDUCE.items():
    FUNCTIONS[_name] = reducer(_statistic)


@function("ImageCollection.qualityMosaic")
def _(ev, collection, qualityBand):
    images = list(collection)

    def band(name):
        def compute():
            values, valid = (np.stack(p) for p in zip(*(i.bands[name].result for i in images)))
            score, scored = (
                np.stack(p) for p in zip(*(i.bands[qualityBand].result for i in images))
            )
            best = np.where(scored, score, -np.inf).argmax(0)[None]
            chosen = np.take_along_axis(values, best, 0)[0]
            counts = np.take_along_axis(valid & scored, best, 0)[0]
            return chosen, counts

        return Band(compute)

    return Image({name: band(name) for name in images[0].bands})


# --- images ----------------------------------------------------------------------------------------------------------------------------


@function("Image.constant")
def _(ev, value):
    values = value if isinstance(value, list) else [value]
    shape = (ev.pixels.height, ev.pixels.width)

    def band(v):
        return Band(
            lambda: (
                np.full(shape, v, "int32" if float(v).is_integer() else "float64"),
                np.ones(shape, bool),
            )
        )

    return Image(
        {"constant" if len(values) == 1 else f"constant_{i}": band(v) for i, v in enumerate(values)}
    )


@function("Image.select")
def _(ev, input, bandSelectors, newNames=None):
    if input is None:
        raise Refusal("Image.select: Parameter 'input' is required and may not be null.")
    names = input.names(bandSelectors)
    return input.with_bands({new: input.bands[old] for old, new in zip(names, newNames or names)})


@function("Image.rename")
def _(ev, input, names):
    names = [names] if isinstance(names, str) else names
    if len(names) != len(input.bands):
        raise Refusal(
            f"Image.rename: The number of names ({len(names)}) must match the number of bands ({len(input.bands)})."
        )
    return input.with_bands(dict(zip(names, input.bands.values())))


@function("Image.addBands")
def _(ev, dstImg, srcImg, names=None, overwrite=False):
    added = srcImg.bands
    if names:
        added = {name: added[name] for name in srcImg.names(names)}
    if not overwrite:
        added = {f"{n}_1" if n in dstImg.bands else n: band for n, band in added.items()}
    return dstImg.with_bands(dstImg.bands | added)


OPERATIONS = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "gte": np.greater_equal,
    "gt": np.greater,
    "lte": np.less_equal,
    "lt": np.less,
    "eq": np.equal,
    "neq": np.not_equal,
    "bitwiseAnd": np.bitwise_and,
    "min": np.minimum,
    "max": np.maximum,
    "and": lambda a, b: ((a != 0) & (b != 0)).astype("int32"),
}


def operation(apply):
    """A function of two images, band by band."""

    def combine(a, b):
        return Band(lambda: (apply(a.result[0], b.result[0]), a.result[1] & b.result[1]))

    return lambda ev, image1, image2: image1.with_bands(
        {name: combine(a, b) for name, a, b in pairs(image1, image2)}
    )


for _name, _apply in OPERATIONS.items():
    FUNCTIONS[f"Image.{_name}"] = operation(_apply)


@function("Image.updateMask")
def _(ev, image, mask):
    def masked(a, m):
        return Band(lambda: (a.result[0], a.result[1] & m.result[1] & (m.result[0] != 0)))

    return image.with_bands({name: masked(a, m) for name, a, m in pairs(image, mask)})


@function("Image.unmask")
def _(ev, input, value=None, sameFootprint=True):
    fill = value if isinstance(value, Image) else FUNCTIONS["Image.constant"](ev, value or 0)
    number = next(iter(fill.bands.values())).result[0].flat[0]
    if sameFootprint and number != 1:  # 1 fills a step of a computation, not an answer
        raise Refusal(
            "local server: unmask fills only the footprint of the input; pixels outside of every scene stay masked"
        )

    def filled(a, f):
        return Band(
            lambda: (
                np.where(a.result[1], a.result[0], f.result[0]).astype(a.result[0].dtype),
                np.ones_like(a.result[1]),
            )
        )

    return input.with_bands({name: filled(a, f) for name, a, f in pairs(input, fill)})


def casting(kind):
    """A function that changes the type of all bands; integers stop at their limits."""

    def cast(values):
        if np.issubdtype(np.dtype(kind), np.integer):
            values = np.clip(values, np.iinfo(kind).min, np.iinfo(kind).max)
        return values.astype(kind)

    return lambda ev, value: value.with_bands(
        {name: band.then(cast) for name, band in value.bands.items()}
    )


for _name, _kind in {
    "toFloat": "float32",
    "toDouble": "float64",
    "toInt16": "int16",
    "toUint16": "uint16",
    "toByte": "uint8",
    "toInt32": "int32",
}.items():
    FUNCTIONS[f"Image.{_name}"] = casting(_kind)


@function("Image.normalizedDifference")
def _(ev, input, bandNames=None):
    a, b = (input.bands[name] for name in input.names(bandNames))

    def compute():
        x, y = a.result[0].astype("float64"), b.result[0].astype("float64")
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (x - y) / (x + y)
        counts = a.result[1] & b.result[1] & (x >= 0) & (y >= 0) & (x + y != 0)
        return np.where(counts, ratio, 0), counts

    return Image({"nd": Band(compute)})


@function("Terrain.slope")
def _(ev, input):
    height = next(iter(input.bands.values()))
    metres = abs(ev.pixels.transform.a) * (111320 if ev.pixels.crs == "EPSG:4326" else 1)

    def degrees(values):
        values = np.pad(values.astype("float64"), 1, mode="edge")
        up, left = np.gradient(values, metres)
        return np.degrees(np.arctan(np.hypot(up, left)))[1:-1, 1:-1]

    return Image({"slope": height.then(degrees)})


@function("Image.not")
def _(ev, value):
    return value.with_bands(
        {n: b.then(lambda v: (v == 0).astype("int32")) for n, b in value.bands.items()}
    )


@function("Image.sqrt")
def _(ev, value):
    return value.with_bands({n: b.then(np.sqrt) for n, b in value.bands.items()})


def metres_of(pixels):
    """The side of a pixel."""
    return abs(pixels.transform.a) * (111320 if pixels.crs == "EPSG:4326" else 1)


@function("Image.pixelArea")
def _(ev):
    shape = ev.pixels.height, ev.pixels.width
    area = metres_of(ev.pixels) ** 2
    return Image({"area": Band(lambda: (np.full(shape, area), np.ones(shape, bool)))})


@function("Image.reduce")
def _(ev, image, reducer):
    assert reducer == "sum"
    bands = list(image.bands.values())

    def compute():
        values, valid = (np.stack(part) for part in zip(*(b.result for b in bands)))
        return values.sum(0), valid.all(0)

    return Image({"sum": Band(compute)})


@function("Kernel.square")
def _(ev, radius, **_):
    return radius


@function("Image.reduceNeighborhood")
def _(ev, image, reducer, kernel, **_):
    """Pixels beyond the chip are not known, and do not count."""

    def around(values, valid):
        side = 2 * kernel + 1
        fill = {"mean": 0.0, "max": -np.inf}[reducer]
        padded = np.pad(np.where(valid, values, fill).astype(float), kernel, constant_values=fill)
        seen = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
        if reducer == "max":
            return np.where(valid, seen.max((2, 3)), 0)
        there = np.lib.stride_tricks.sliding_window_view(np.pad(valid, kernel), (side, side))
        return seen.sum((2, 3)) / np.maximum(there.sum((2, 3)), 1)

    def band(b):
        return Band(lambda: (around(*b.result), b.result[1]))

    return image.with_bands({n: band(b) for n, b in image.bands.items()})


@function("Image.displace")
def _(ev, image, displacement, **_):
    """What is moved in from beyond the chip is missing."""
    x, y = (float(b.result[0].flat[0]) for b in displacement.bands.values())
    metres = metres_of(ev.pixels)
    columns, rows = round(x / metres), round(-y / metres)

    def band(b):
        def compute():
            values, valid = b.result
            row, column = np.indices(values.shape)
            row, column = row + rows, column + columns
            inside = (
                (0 <= row) & (row < values.shape[0]) & (0 <= column) & (column < values.shape[1])
            )
            row, column = np.where(inside, row, 0), np.where(inside, column, 0)
            return values[row, column], inside & valid[row, column]

        return Band(compute)

    return image.with_bands({n: band(b) for n, b in image.bands.items()})


@function("Image.fastDistanceTransform")
def _(ev, image, neighborhood=256, **_):
    """Squares of distances in pixels to the nearest pixel that is not zero; masked pixels count as zero."""

    def band(b):
        def compute():
            values, valid = b.result
            there = valid & (values != 0)
            far = float(neighborhood) ** 2
            found = ndimage.distance_transform_edt(~there) ** 2 if there.any() else far
            return np.minimum(found, far) + np.zeros(there.shape), np.ones(there.shape, bool)

        return Band(compute)

    return image.with_bands({n: band(b) for n, b in image.bands.items()})


def own_projection(raster, lon, lat):
    """Where the pixels of a scene lie, as the service says it."""
    zone = f"EPSG:{(32600 if lat >= 0 or raster.kind == 'northern' else 32700) + int((lon + 180) // 6) + 1}"
    x, y = pyproj.Transformer.from_crs("EPSG:4326", zone, always_xy=True).transform(lon, lat)
    left, top = ((v - raster.corner) // raster.side * raster.side + raster.corner for v in (x, y))
    transform = [raster.side, 0, left, 0, -raster.side, top]
    return {"type": "Projection", "crs": zone, "transform": transform}


@function("AggregateFeatureCollection.max")
def _(ev, collection, property):
    return max(read_property(image, property) for image in collection)


@function("AggregateFeatureCollection.min")
def _(ev, collection, property):
    return min(read_property(image, property) for image in collection)


@function("Image.projection")
def _(ev, image):
    if image is None:
        raise Refusal("Image.projection: Parameter 'image' is required and may not be null.")
    if "system:place" in image.properties:
        return own_projection(image.properties["system:raster"], *image.properties["system:place"])
    return {"crs": ev.pixels.crs}


@function(
    "Image.resample",
    "Image.setDefaultProjection",
    "Image.clip",
    "Image.reproject",
    "Image.clipToBoundsAndScale",
)
def _(ev, image=None, input=None, **_):
    return (
        image if image is not None else input
    )  # values are formulas: they have no pixels of their own


@function("Profile.getProfiles")
def _(ev, ids, format="text", maxEntries=None):
    rows = "".join(f"  {ev.eecu:.3f}     59k     6  Algorithm of {name}\n" for name in ids)
    return " EECU·s PeakMem Count  Description\n" + rows
