"""python predict.py SCENE.tif MAP.tif writes class (or value), probability, classes possible."""
import json, pathlib, sys
import numpy as np, onnxruntime, rasterio
here = pathlib.Path(__file__).parent
about = json.loads((here / "model.json").read_text(encoding="utf-8"))
session = onnxruntime.InferenceSession(str(here / "model.onnx"))
def predict(values):  # float32 [n, bands] in physical units, NaN where missing
    answer, missing = session.run(None, {"values": values})
    answer[(missing > about["max_missing"]) | (missing == 1)] = np.nan
    return answer
def layers(values):  # [n, bands] -> [n, 1 or 3]
    answer = predict(values)
    if not about["classes"]:
        return answer[:, None]
    limit = [np.inf if t is None else t for t in about["thresholds"] or [None]]
    top = answer.max(1, keepdims=True)
    possible = (top - np.nan_to_num(answer) <= np.maximum(limit, 0) + 1e-9).sum(1, keepdims=True)
    found = np.hstack([np.nan_to_num(answer).argmax(1)[:, None] + 1, top, possible])
    return np.where(np.isnan(top), [0, np.nan, np.nan], found)
def main(scene, target):
    with rasterio.open(scene) as file:
        named = any(file.descriptions) and not about["by_position"]
        names = about["bands"] if named else file.descriptions
        order = [file.descriptions.index(n) + 1 for n in names] if named else list(file.indexes)
        tags = [np.array(v)[np.array(order) - 1, None, None] for v in (file.scales, file.offsets)]
        grid = dict(width=file.width, height=file.height, crs=file.crs, transform=file.transform)
        count = 3 if about["classes"] else 1
        with rasterio.open(target, "w", "GTiff", dtype="float32", count=count, **grid) as out:
            for row in range(0, file.height, 256):
                window = rasterio.windows.Window(0, row, file.width, min(256, file.height - row))
                data = file.read(order, window=window, masked=True).astype(float)
                missing = np.ma.getmaskarray(data)
                if about["nodata"] is not None:
                    missing = missing | (data.data == about["nodata"])
                values = (data.data * tags[0] + tags[1]) * about["scale"] + about["offset"]
                pixels = np.where(missing, np.nan, values).reshape(len(order), -1).T
                answers = layers(pixels.astype(np.float32)).T.astype(np.float32)
                out.write(answers.reshape(count, *data.shape[1:]), window=window)
if __name__ == "__main__" and sys.argv[1].endswith(".npy"):  # a table [n, bands]
    np.save(sys.argv[2], predict(np.load(sys.argv[1])))
elif __name__ == "__main__":
    main(*sys.argv[1:3])
