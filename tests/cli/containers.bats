#!/usr/bin/env bats
# Documents inside documents, formats that need other programs, and files that are out to do harm.
load lib

prepare() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	br init -q
	mkdir in
}

# zip FILE NAME=TEXT...: writes it anew
zip() {
	python3 - "$@" <<'PY'
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as z:
    for arg in sys.argv[2:]:
        name, _, text = arg.partition("=")
        z.writestr(name, text)
PY
}

@test "an archive is a folder: add, change, move, delete, and nothing when it is as it was" {
	zip in/x.zip "a.md=# Apples grow" "b.txt=Bridges carry roads" "c.txt=Clocks measure time"
	want 4 sync --plan in
	out_has "A in/x.zip"
	want 0 sync in
	out_has "4 added"
	want 0 docs cat 'in/x.zip!/b.txt'
	out_is "Bridges carry roads"
	want 0 sync --json in
	json_all '[.[] | select(.event == "file") | .path] == ["in/x.zip"]'
	want 0 sync --plan in
	zip in/x.zip "a.md=# Apples fall" "moved/b.txt=Bridges carry roads" "d.txt=Dunes wander"
	want 4 sync --plan in
	out_has "M in/x.zip"
	want 0 sync -v in
	out_has "M in/x.zip!/a.md"
	out_has "R in/x.zip!/b.txt -> in/x.zip!/moved/b.txt"
	out_has "A in/x.zip!/d.txt"
	out_has "D in/x.zip!/c.txt"
	want 1 query -s full_text clocks
	err_has "nothing found"
	want 0 docs show --json 'in/x.zip!/moved/b.txt'
	json '.origin == "member" and .state == "indexed"'
	want 0 docs show --json in/x.zip
	json '.state == "container" and .format == "zip" and .chunks == 0'
	want 0 docs rm in/x.zip
	want 0 docs list --paths
	out_empty
	want 0 verify
}

@test "an interrupted archive is gone on with" {
	python3 - <<'PY'
import zipfile
with zipfile.ZipFile("in/x.zip", "w") as z:
    for i in range(3000):
        z.writestr("%d.txt" % i, "text number %d about something %s" % (i, "else " * 1600))
PY
	mkfifo "$S/events"
	env --default-signal=INT -i "${ENV[@]}" "$BR" sync --json in >"$S/events" 2>"$S/err" &
	local pid=$! status=0 line
	exec 7<"$S/events"
	IFS= read -r line <&7 # the first commit is done
	kill -INT $pid
	cat <&7 >/dev/null
	exec 7<&-
	wait $pid || status=$?
	[ "$status" -eq 130 ] || [ "$status" -eq 0 ] || fails_with "status $status"
	want 0 verify
	want 0 sync --json in
	json_all 'last | .added + .kept + .changed == 3001 and .failed == 0'
	want 0 sync in
	out_has "nothing to do: 1 unchanged"
	want 0 verify
}

@test "an uploaded archive, one on standard input, and a folder within one" {
	zip x.zip "sub/a.txt=Apples grow" ".hidden=no"
	want 0 upload x.zip
	want 0 ingest
	want 0 docs cat 'x.zip!/sub/a.txt'
	out_is "Apples grow"
	br ingest -q --stdin-name y.zip - <x.zip
	want 0 docs cat 'y.zip!/sub/a.txt'
	want 1 docs cat 'y.zip!/.hidden'
	sha=$(sha256sum x.zip | cut -d' ' -f1)
	cmp x.zip ".br/objects/${sha:0:2}/${sha:2}"
	want 0 verify
}

@test "a mailbox, its mails, their attachments" {
	printf 'From a@x Mon Jan  5 10:00:00 2026\nMessage-ID: <1@x>\nFrom: a@x\nSubject: Harvest\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nApples are ripe.\n--b\nContent-Disposition: attachment; filename=list.csv\n\nname,kg\nCox,7\n--b--\n\n' >in/mail.mbox
	want 0 sync in
	out_has "3 added"
	want 0 docs show --json 'in/mail.mbox!/1@x.eml'
	json '.title == "Harvest" and .format == "mail"'
	want 0 docs show --json 'in/mail.mbox!/1@x.eml!/list.csv'
	json '.format == "csv"'
}

@test "bombs, endless archives, locked ones: a precise reason, and quickly" {
	python3 - <<'PY'
import io, zipfile, gzip
def zipped(name, data):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return b.getvalue()
open("in/bomb.zip", "wb").write(zipped("zeros", b"\0" * (64 << 20)))
open("in/bomb.tar.gz", "wb").write(gzip.compress(b"\0" * (64 << 20)))
deep = b"text"
for i in range(30):
    deep = zipped("in.zip" if i else "in.txt", deep)
open("in/deep.zip", "wb").write(deep)
locked = bytearray(zipped("secret.txt", b"words"))
locked[6] |= 1
locked[locked.rindex(b"PK\1\2") + 8] |= 1
open("in/locked.zip", "wb").write(locked)
open("in/cut.zip", "wb").write(zipped("a", b"words" * 100)[:60])
PY
	want 2 sync -v in
	out_has "in/bomb.zip  is a zip bomb: 'zeros' is more than 200 times as large as its packed bytes"
	out_has "in/bomb.tar.gz  is a bomb: it unpacks to more than 200 times its size"
	out_has "in/deep.zip!/in.zip!/in.zip!/in.zip  archives within archives are opened 3 deep, this one is deeper"
	out_has "in/locked.zip  is password-protected"
	err_has "cannot index 'in/cut.zip': damaged"
	want 0 verify
}

@test "files that are none: pipes, sockets, loops of links, no right to read, long lines, NUL, broken UTF-8" {
	mkfifo in/pipe
	python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("in/socket")'
	ln -s loop in/loop
	ln -s ../in in/self
	ln -s /etc/passwd in/passwd
	mkdir in/sub
	ln -s .. in/sub/up
	printf 'words\0with\0NUL' >in/nul.txt
	printf 'caf\303 broken \377\376 utf\n' >in/broken.txt
	head -c 10000000 /dev/zero | tr '\0' 'x' >in/line.txt
	printf 'fine\n' >in/fine.txt
	printf 'secret\n' >in/secret.txt
	chmod 0 in/secret.txt
	local wanted=0
	[ -r in/secret.txt ] || wanted=2
	want $wanted sync -v in
	out_has "A in/fine.txt"
	out_has "A in/line.txt"
	out_has "A in/broken.txt"
	out_has "- in/nul.txt  binary data"
	out_lacks "in/pipe"
	out_lacks "in/socket"
	out_lacks "passwd"
	[ $wanted -eq 0 ] || err_has "cannot index 'in/secret.txt': cannot open '$S/w/in/secret.txt': Permission denied"
	want 2 ingest in/pipe in/fine.txt
	err_has "in/pipe': neither a file nor a folder"
	chmod 644 in/secret.txt
	want 0 verify
}

@test "a file that vanishes or grows while it is read" {
	local i
	for ((i = 0; i < 400; i++)); do echo "text $i $RANDOM" >"in/$i.txt"; done
	mkfifo "$S/events"
	env -i "${ENV[@]}" "$BR" sync --json in >"$S/events" 2>"$S/err" &
	local pid=$! status=0
	rm -f in/3[0-9][0-9].txt
	for ((i = 200; i < 250; i++)); do echo more >>"in/$i.txt"; done
	cat "$S/events" >"$S/out"
	wait $pid || status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 2 ]
	jq -s -e 'all(.[] | select(.action == "fail"); .reason | test("No such file"))' "$S/out"
	want 0 sync in
	want 0 docs list --paths
	[ "$(wc -l <"$S/out")" -eq 300 ]
	want 0 verify
}

@test "programs of others: what is missing is named, and tried again when it is there" {
	printf '\320\317\021\340\241\261\032\341%0504d' 0 >in/a.doc
	printf '\211PNG\r\n\032\n\0\0\0\rIHDR' >in/a.png
	ENV=("${ENV[@]/PATH=*/PATH=$S/none}")
	want 0 sync -v in
	out_has "in/a.doc  needs catdoc: apt install catdoc"
	out_has "in/a.png  is an image: use --ocr to read its text"
	want 0 sync -v --ocr in
	out_has "in/a.png  needs tesseract: apt install tesseract-ocr"
	want 0 doctor
	out_has "no catdoc for doc: apt install catdoc"
	ENV=("${ENV[@]/PATH=*/PATH=$PATH}")
	if command -v catdoc >/dev/null; then
		want 2 sync in
		err_has "cannot index 'in/a.doc': damaged: catdoc cannot read it"
	fi
}

@test "text of a picture" {
	command -v tesseract >/dev/null || skip "tesseract is not installed"
	[ -n "${BR_SHARED:-}" ] || skip "BR_SHARED not set"
	cp "$BR_SHARED/corpora/files/testOCR.pdf" in
	want 0 sync -v in
	out_has "is a scan without text: use --ocr"
	want 0 config set extract.ocr true
	want 0 sync -v in
	out_has "M in/testOCR.pdf"
	want 0 query --json happy new year
	json '.hits[0].path == "in/testOCR.pdf" and .hits[0].page == 1'
}

@test "the folder of odd files: each as its manifest says, within a minute and 200 MB" {
	[ -n "${BR_SHARED:-}" ] || skip "BR_SHARED not set"
	local f=$BR_SHARED/corpora/files status=0
	env -i "${ENV[@]}" timeout 60 python3 -c 'import resource, subprocess, sys
rc = subprocess.call(sys.argv[2:], stdin=subprocess.DEVNULL)
open(sys.argv[1], "w").write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024))
sys.exit(rc)' "$S/rss" "$BR" ingest --json "$f" >"$S/out" 2>"$S/err" || status=$?
	check_status 2 $status "ingest of the folder"
	[ "${BR_MODE:-release}" != release ] || [ "$(cat "$S/rss")" -le 200 ] || fails_with "took $(cat "$S/rss") MB"
	is() { jq -se --arg p "$f/$1" --arg a "$2" --arg r "${3:-}" 'any(.[]; .path == $p and .action == $a and ($r == "" or (.reason // "" | contains($r))))' "$S/out" >/dev/null || fails_with "$1 is not $2 $3"; }
	is testWORD.doc add
	is testPPT.ppt add
	is testRTFCorruptListOverride.rtf add
	is english.cp500.txt add
	is undeclared_entity.xml add
	is testEmailWithPNGAtt.eml add
	is 'testEmailWithPNGAtt.eml!/testPNG.png' skip "is an image: use --ocr"
	is simple.ipynb add
	is 'droste.zip!/droste.zip' skip "is an archive that holds itself"
	is 'testZipEncrypted.zip!/encrypted.txt' skip "is password-protected"
	is 'testZipEncrypted.zip!/unencrypted.txt' add
	want 0 docs cat "$f/english.cp500.txt"
	out_has "Support and services"
	want 0 docs cat "$f/undeclared_entity.xml"
	out_has "An entity here"
	want 0 verify
}

@test "archives and their members are exported, imported, and then kept by a sync" {
	zip in/x.zip "sub/a.txt=Apples grow on trees" "b.txt=Pears too"
	zip up.zip "c.txt=Plums are blue"
	want 0 sync in
	br ingest -q --stdin-name up.zip - <up.zip
	want 0 export default n.brx
	want 0 docs list --json
	jq -c '[.path, .state, .origin, .chunks]' "$S/out" | sort >"$S/before"
	want 0 notebook delete -y default
	want 0 import n.brx
	want 0 docs list --json
	jq -c '[.path, .state, .origin, .chunks]' "$S/out" | sort >"$S/after"
	diff "$S/before" "$S/after"
	want 0 verify
	want 0 sync in
	out_has "nothing"
	want 0 query -s full_text plums
	out_has 'up.zip!/c.txt'
}
