"""Verifies an exported audit ledger by what docs/audit.md says of the format, and by nothing of Reelay's code.

python3 test/oracle/audit-ledger.py FOLDER      with Python 3.9 or later and `cryptography` (for Ed25519)

Prints what is wrong and ends with 1, or prints one line and ends with 0.
"""
import base64, hashlib, json, pathlib, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

folder, wrong = pathlib.Path(sys.argv[1]), []
sha256 = lambda text: hashlib.sha256(text.encode()).hexdigest()
canonical = lambda value: json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
read = lambda path: (folder / path).read_text() if (folder / path).is_file() else ""
index = json.loads(read("ledger.json"))
keys = {k["kid"]: base64.urlsafe_b64decode(k["x"] + "=") for k in json.loads(read("keys.json"))["keys"]}

def statement(kind, path):
    try:
        signed = json.loads(read(path))
        text = f"reelay-audit-{kind}-v1\n{canonical(signed['statement'])}".encode()
        Ed25519PublicKey.from_public_bytes(keys[signed["key"]]).verify(bytes.fromhex(signed["signature"]), text)
        return signed["statement"]
    except (ValueError, KeyError, InvalidSignature):
        wrong.append(f"{path}: no signature that holds")

def root(hashes):
    level = [sha256("0" + h) for h in hashes]
    while len(level) > 1:  # pairs from the left; one that is left over goes up as it is
        level = [sha256("1" + "".join(level[i:i + 2])) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
    return level[0] if level else sha256("")

def follow(path, at):
    text, hashes = read(path), []
    if not text.endswith("\n") and (text or path.endswith("records.jsonl")): wrong.append(f"{path}: missing or torn off")
    for n, line in enumerate(text.split("\n")[:-1], 1):
        try:
            record = json.loads(line)
            rest = {k: v for k, v in record.items() if k != "hash"}
            same = canonical(record) == line and sha256(canonical(rest)) == record["hash"]
            if not same or (record["seq"], record["prevHash"]) != (at[0] + 1, at[1]): raise ValueError
            at = (record["seq"], record["hash"])
            hashes.append(at[1])
        except (ValueError, KeyError):
            wrong.append(f"{path}, line {n}: not the record that should be here")
            return at, hashes
    return at, hashes

for sums in read("SHA256SUMS").splitlines():
    if sha256(read(sums[66:])) != sums[:64]: wrong.append(f"{sums[66:]}: another checksum")
anchor, count = statement("anchor", "anchor.json"), 0
heads = {h["shard"]: (h["seq"], h["hash"]) for h in (anchor or {"heads": []})["heads"]}
segments = {s["shard"]: s["segments"] for s in index["shards"]}
for shard in sorted(heads.keys() | segments.keys()):
    genesis = sha256(f"reelay-audit-v1\n{index['installation']}\n{shard}")
    at, before = (0, genesis), genesis
    for n in range(1, segments.get(shard, 0) + 1):
        start, path = at, f"{shard}/segment={n:08}"
        at, hashes = follow(f"{path}/records.jsonl", start)
        said = statement("checkpoint", f"{path}/checkpoint.json") or {}
        is_so = {"installation": index["installation"], "shard": shard, "segment": n, "firstSeq": start[0] + 1, "prevHash": start[1],
                 "lastSeq": at[0], "lastHash": at[1], "root": root(hashes), "prevCheckpoint": before}
        if {k: said.get(k) for k in is_so} != is_so: wrong.append(f"{path}: its checkpoint is of something else")
        before = sha256(canonical(said))
    at, _ = follow(f"{shard}/open.jsonl", at)
    if at != heads.get(shard): wrong.append(f"{shard}: does not end where the anchor says")
    count += at[0]
print("\n".join(wrong) or f"{count} records in {len(segments)} shards hold")
sys.exit(1 if wrong else 0)
