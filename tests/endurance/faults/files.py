"""Files that are torn or have a bit turned over: bundles, kept inputs, SQLite and its log."""

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from stylefacet.client import StylefacetClient
from stylefacet.client.values import ImageView
from stylefacet.errors import InputsMissing, StoreCorrupt
from tests.cli.test_program import outside
from tests.endurance.faults.scene import Scene, failure_of, flip_bit, impatient, tear
from tests.endurance.photos import content

_PAGE_BYTES = 4096
_DAMAGED_PAGE_COUNT = 8
_FLIPPED_BIT_COUNT = 8


def damage_bundle(scene: Scene) -> str:
    """A server does not start with a bundle of which any file is damaged."""
    told = []
    for file in sorted(path.name for path in scene.site.bundle.iterdir()):
        for damage in (tear, _flip_middle):
            bundle = scene.folder / f"{file}-{damage.__name__}"
            shutil.copytree(scene.site.bundle, bundle)
            damage(bundle / file)
            line = replace(scene.site, bundle=bundle).refusal()
            assert "is no usable encoder bundle" in line, line
            told.append(line.split("bundle: ")[-1])
    return f"refuses to start {len(told)} times, such as: {told[0]}"


def damage_unpacked_bundle(scene: Scene) -> str:
    """A bundle that was unpacked here and is damaged is fetched from the store again."""
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client)
        _let_other_serve(scene, client)
    (unpacked,) = (scene.site.data_dir / "encoders").iterdir()
    for file in ("encoder.onnx", "manifest.json"):
        tear(unpacked / file)
        with scene.site.server() as server, StylefacetClient(server.address) as client:
            assert server.events("bundle fetched again"), "nothing was noticed"
            scene.check(client)
    return "the server repairs it from the store, with a line in its log"


def damage_stored_bundle(scene: Scene) -> str:
    """A server does not start when the store's own copy of the serving bundle is damaged."""
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client)
        _let_other_serve(scene, client)
    shutil.rmtree(scene.site.data_dir / "encoders")
    with closing(sqlite3.connect(scene.database)) as database:
        database.execute(
            "UPDATE encoder_files SET content = substr(content, 1, 100) WHERE encoder_key = "
            "(SELECT encoder_key FROM encoders WHERE id = (SELECT value FROM properties WHERE "
            "name = 'active_encoder')) AND name = 'encoder.onnx'"
        )
        database.commit()
    told = scene.site.refusal()
    assert "encoder.onnx does not match its digest" in told, told
    return f"refuses to start: {told}"


def damage_kept_inputs(scene: Scene) -> str:
    """Damaged kept inputs are not shown, are told of by a switch, and come back with the photo."""
    with scene.site.server() as server, impatient(server.address) as client:
        scene.fill(client)
    with closing(sqlite3.connect(scene.database)) as database:
        rows = database.execute(
            "SELECT k.sha256, k.content, p.id FROM kept_inputs k JOIN images i ON i.input_sha256 = "
            "k.sha256 JOIN products p USING (product_key) WHERE p.id IN ('p0', 'p1')"
        ).fetchall()
        for sha256, whole, product in rows:
            damaged = whole[: len(whole) // 2] if product == "p0" else _flipped(whole)
            database.execute(
                "UPDATE kept_inputs SET content = ? WHERE sha256 = ?", (damaged, sha256)
            )
        database.commit()
    doctor = outside("doctor", "--data-dir", str(scene.site.data_dir), "--bundle", str(_own(scene)))
    assert doctor.returncode == 1, doctor.stdout
    assert "2 of 30 kept inputs looked at are damaged" in doctor.stdout, doctor.stdout
    with scene.site.server() as server, impatient(server.address) as client:
        for product in ("p0", "p1"):
            (image,) = client.list_images(product, ImageView.THUMBNAIL)
            assert not image.thumbnail, "a damaged picture is shown"
        assert next(iter(client.list_images("p2", ImageView.THUMBNAIL))).thumbnail
        refused = failure_of(lambda: _let_other_serve(scene, client))
        assert isinstance(refused, InputsMissing), refused
        for product in ("p0", "p1"):
            client.delete_image(f"products/{product}/images/front")
            client.create_image(product, content(product, "front"), "front")
        _let_other_serve(scene, client)
        scene.check(client)
    return f"no picture is shown; a switch is refused: {refused.message}; photos sent again do"


def damage_stored_vectors(scene: Scene) -> str:
    """Vectors in which a bit has turned over are named, and come back with the photo."""
    with scene.site.server() as server, impatient(server.address) as client:
        scene.fill(client)
    asked = ("doctor", "--vectors", "--data-dir", str(scene.site.data_dir), "--bundle")
    sound = outside(*asked, str(_own(scene)))
    assert sound.returncode == 0, sound.stdout
    with closing(sqlite3.connect(scene.database)) as database:
        rows = database.execute(
            "SELECT e.image_key, e.mean FROM embeddings e JOIN images i USING (image_key) "
            "JOIN products p USING (product_key) WHERE p.id IN ('p0', 'p1')"
        ).fetchall()
        for image_key, mean in rows:
            # The highest byte of a number: its sign and exponent.
            changed = mean[:3] + bytes([mean[3] ^ 0x40]) + mean[4:]
            database.execute(
                "UPDATE embeddings SET mean = ? WHERE image_key = ?", (changed, image_key)
            )
        database.commit()
    told = outside(*asked, str(_own(scene)))
    assert told.returncode == 1, told.stdout
    assert "2 of 30 are not what the encoder gives" in told.stdout, told.stdout
    with scene.site.server() as server, impatient(server.address) as client:
        for product in ("p0", "p1"):
            client.delete_image(f"products/{product}/images/front")
            client.create_image(product, content(product, "front"), "front")
        scene.check(client)
    mended = outside(*asked, str(_own(scene)))
    assert mended.returncode == 0, mended.stdout
    return "`stylefacet doctor --vectors` names the images; photos sent again mend them"


def damage_database_head(scene: Scene) -> str:
    """A server does not start on a database whose head is damaged or that is cut off."""
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client)
    whole = scene.database.read_bytes()
    told = []
    for damage in (_overwrite_head, tear, lambda path: tear(path, 0.98), _empty_but_one_page):
        damage(scene.database)
        told.append(scene.site.refusal())
        assert "restore a backup" in told[-1], told[-1]
        scene.database.write_bytes(whole)
        for suffix in ("-wal", "-shm"):
            Path(f"{scene.database}{suffix}").unlink(missing_ok=True)
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.check(client)
    return "refuses to start: " + "; ".join(sorted({line.split(": ", 1)[1] for line in told}))


def damage_log(scene: Scene) -> str:
    """A log that is torn or damaged after a crash never hides acknowledged writes."""
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client)
        # Each of its own commit, for the last one alone is what a crash may leave half done.
        for number in range(10):
            scene.upload(client, [f"late{number}"])
        server.kill()
    kept = {path: path.read_bytes() for path in scene.site.data_dir.glob("catalogue.db*")}
    log, index = Path(f"{scene.database}-wal"), Path(f"{scene.database}-shm")
    told = ""
    for has_index in (True, False):
        for share in (0.0001, 0.3, 0.7, 0.9):
            flip_bit(log, int(log.stat().st_size * share))
            if not has_index:
                index.unlink()
            told = scene.site.refusal()
            assert "acknowledged commits stand behind that" in told, told
            _put_back(kept)
    tear(log, 0.8)
    told = scene.site.refusal()
    assert "acknowledged commits stand behind that" in told, told
    _put_back(kept)
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.check(client)
    return f"refuses to start: {told.split(': ', 1)[1]}"


def damage_database_pages(scene: Scene) -> str:
    """A page in the middle that is zeroed or overwritten never gives a wrong answer."""
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client, count=60)
        client.fit_feature("light", {f"p{n}": "ab"[n % 2] for n in range(40)})
    return _damage_one_by_one(scene, _DAMAGED_PAGE_COUNT, _overwrite_page)


def flip_database_bits(scene: Scene) -> str:
    """A bit that turned over in a page is told of, or does no harm."""
    with scene.site.server() as server, StylefacetClient(server.address) as client:
        scene.fill(client, count=60)
    return _damage_one_by_one(scene, _FLIPPED_BIT_COUNT, _flip_anywhere)


def _damage_one_by_one(
    scene: Scene, count: int, damage: Callable[[Path, random.Random], None]
) -> str:
    whole = scene.database.read_bytes()
    ends: Counter[str] = Counter()
    for _ in range(count):
        damage(scene.database, scene.rng)
        ends[_look_at_damaged(scene)] += 1
        scene.database.write_bytes(whole)
        for suffix in ("-wal", "-shm"):
            Path(f"{scene.database}{suffix}").unlink(missing_ok=True)
    assert not ends["wrong answers"], dict(ends)
    return ", ".join(f"{end} {number}" for end, number in ends.most_common())


def _look_at_damaged(scene: Scene) -> str:
    """Returns how a server deals with a damaged database."""
    try:
        with scene.site.server() as server, impatient(server.address) as client:
            return _use_damaged(scene, client)
    except AssertionError as error:
        if "the server ended" not in str(error):
            raise
    assert any(word in scene.site.refusal() for word in ("restore a backup", "export it again"))
    return "refused at the start"


def _use_damaged(scene: Scene, client: StylefacetClient) -> str:
    shown_count = 0
    try:
        scene.check(client)
        for product in scene.products:
            (image,) = client.list_images(product, ImageView.THUMBNAIL)
            shown_count += bool(image.thumbnail)
        scene.upload(client, ["p0", "p1"])
    except StoreCorrupt:
        return "told to callers"
    except AssertionError:
        return "wrong answers"
    return "harmless" if shown_count == len(scene.products) else "a picture not shown"


def _let_other_serve(scene: Scene, client: StylefacetClient) -> None:
    other = list(scene.ground.bundles.values())[1]
    encoder = client.install_encoder(other).encoder_id
    client.wait_for_operation(client.activate_encoder(encoder).operation_id, 60)


def _put_back(kept: dict[Path, bytes]) -> None:
    for path, whole in kept.items():
        path.write_bytes(whole)


def _own(scene: Scene) -> Path:
    return scene.site.bundle


def _flip_middle(path: Path) -> None:
    flip_bit(path, path.stat().st_size // 2)


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


def _overwrite_head(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 100)


def _empty_but_one_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(_PAGE_BYTES)


def _overwrite_page(path: Path, rng: random.Random) -> None:
    page = rng.randrange(1, path.stat().st_size // _PAGE_BYTES)
    with path.open("r+b") as file:
        file.seek(page * _PAGE_BYTES)
        file.write(rng.choice((b"\0" * _PAGE_BYTES, rng.randbytes(_PAGE_BYTES))))


def _flip_anywhere(path: Path, rng: random.Random) -> None:
    flip_bit(path, rng.randrange(_PAGE_BYTES, path.stat().st_size), rng.randrange(8))
