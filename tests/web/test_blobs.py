"""Pictures and documents are kept for their owner, for a while, and within a bound."""

from bot.web.blobs import BlobStore
from engine.model import UserId

ME, OTHER = UserId("local:owner"), UserId("discord:42")


def put(store: BlobStore, size: int = 10, owner: UserId = ME) -> str:
    return store.put(owner, b"x" * size, name="a.png", media_type="image/png")


def test_only_the_owner_gets_it():
    store = BlobStore()
    key = put(store)
    assert len(key) == 32
    assert store.get(ME, key).content == b"x" * 10
    assert store.get(OTHER, key) is None
    assert store.get(ME, key[::-1]) is None


def test_it_is_gone_after_its_time():
    now_s = 0.0
    store = BlobStore(lifetime_s=60, clock=lambda: now_s)
    key = put(store)
    now_s = 59.0
    assert store.get(ME, key)
    now_s = 61.0
    assert store.get(ME, key) is None
    assert len(store) == 0


def test_the_oldest_make_room():
    store = BlobStore(limit_bytes=100)
    keys = [put(store, 40) for _ in range(4)]
    assert len(store) == 2
    assert store.get(ME, keys[0]) is None
    assert store.get(ME, keys[-1])


def test_everything_of_an_owner_can_be_dropped():
    store = BlobStore()
    mine, theirs = put(store), put(store, owner=OTHER)
    store.forget(ME)
    assert store.get(ME, mine) is None
    assert store.get(OTHER, theirs)
