"""What SECRET_KEY protects: ciphertext, signatures and stored hashes."""

import pytest

from app.platform.secrets import SecretBox, SecretUnreadable, hash_token, same

OLD = SecretBox("old key for a test, long enough to be one")
NEW = SecretBox("new key for a test, long enough to be one", ["old key for a test, long enough to be one"])


def test_a_stored_secret_comes_back() -> None:
    assert NEW.decrypt(NEW.encrypt("smtp päss\N{SNOWMAN}")) == "smtp päss\N{SNOWMAN}"


def test_ciphertext_names_its_key_and_hides_the_text() -> None:
    ciphertext = NEW.encrypt("visible?")
    assert ciphertext.startswith(f"{NEW.key_id}.")
    assert "visible" not in ciphertext
    assert ciphertext != NEW.encrypt("visible?")


def test_after_a_rotation_the_old_is_read_and_the_new_is_written() -> None:
    assert NEW.decrypt(OLD.encrypt("x")) == "x"
    assert NEW.encrypt("x").startswith(NEW.key_id)


def test_another_key_cannot_read_it() -> None:
    with pytest.raises(SecretUnreadable, match="SECRET_KEY_PREVIOUS"):
        OLD.decrypt(NEW.encrypt("x"))


def test_a_damaged_ciphertext_is_refused() -> None:
    ciphertext = NEW.encrypt("x")
    with pytest.raises(SecretUnreadable, match="damaged"):
        NEW.decrypt(ciphertext[:-4] + "AAAA")


def test_a_signature_holds_for_its_purpose_only() -> None:
    signature = NEW.sign("action", b"42:acknowledge")
    assert len(signature) == 64
    assert NEW.verify("action", b"42:acknowledge", signature)
    assert not NEW.verify("session", b"42:acknowledge", signature)
    assert not NEW.verify("action", b"42:resolve", signature)


def test_links_signed_before_a_rotation_still_work() -> None:
    assert NEW.verify("action", b"42", OLD.sign("action", b"42"))
    assert not OLD.verify("action", b"42", NEW.sign("action", b"42"))


@pytest.mark.parametrize("signature", ["", "é", "\udce9", "0" * 64])
def test_a_strange_signature_is_just_wrong(signature: str) -> None:
    assert NEW.verify("action", b"42", signature) is False


def test_keys_of_different_purposes_differ() -> None:
    assert NEW.derive("one") != NEW.derive("two")
    assert len(NEW.derive("one")) == 32


def test_comparing_takes_text_and_bytes() -> None:
    assert same("é", "é".encode())
    assert not same("é", "x")


def test_a_token_hash_is_sha256() -> None:
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_box_does_not_print_its_keys() -> None:
    assert "old key" not in f"{OLD!r} {OLD.__dict__}"
