#!/usr/bin/env bats
# Documents of every format, through br as people use it: what is found, on which page, slide or sheet, and what is said of files that
# cannot be read. Only the first test needs programs of others.
load lib

documents() { python3 "$BATS_TEST_DIRNAME/../data/formats/make.py" docs; }
needs_pdftotext() { command -v pdftotext >/dev/null || skip "no pdftotext"; }

# hit QUESTION PATH PAGE HEADING: the best passage comes from there; PAGE null where there are no pages.
hit() {
	want 0 query -q --json "$1" || return 1
	json ".hits[0] | .path == \"docs/$2\" and .page == $3 and .heading[-1] == \"$4\""
}

@test "a passage of each format, with its page, slide or sheet" {
	needs_pdftotext
	documents
	br init -q
	want 0 sync docs
	hit 'oil for pallet stones' handbook.pdf 3 'The escapement'
	hit 'protect the hive from marten' hive.docx null 'Beekeeping in winter'
	hit 'silica in basaltic magma' club.pptx 2 'Lava'
	hit 'Boskoop kilograms' harvest.xlsx 2 'Orchard'
	json '.hits[0].text | contains("Variety | Kilograms picked") and contains("1875")'
	hit 'deck of a suspension bridge' essay.odt null 'On bridges'
	hit 'price of the telescope tripod' budget.ods 2 'Details'
	hit 'bowline loop' show.odp 2 'Slide 2'
	hit 'who waited for passengers' ferryman.epub null 'The landing stage'
	json '.hits[0].text | contains("passengers") and contains("The crossing") and contains("oar broke")' # chapters in the order of the spine
	want 0 query 'pallet stones oil'
	out_has 'page 3'
	want 0 sync docs
	want 0 verify
}

@test "docs shows format and title" {
	documents
	br init -q
	want 0 ingest docs/hive.docx docs/ferryman.epub docs/harvest.xlsx
	want 0 docs list --json
	json_all 'map(.format) | sort == ["docx", "epub", "xlsx"]'
	json_all 'map(.title) | contains(["The Ferryman", "Beekeeping in winter"])'
}

@test "a cut file fails and says why, a locked one is skipped, the others are indexed" {
	documents
	br init -q
	mkdir in
	cp docs/hive.docx docs/essay.odt in
	head -c 400 docs/club.pptx >in/cut.pptx
	python3 - in/locked.docx <<-'PY'
		import sys
		name = "EncryptedPackage".encode("utf-16le")
		entry = name + bytes(64 - len(name)) + (len(name) + 2).to_bytes(2, "little") + bytes(62)
		open(sys.argv[1], "wb").write(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1016) + entry + bytes(896))
	PY
	want 2 sync in
	err_has "cannot index 'in/cut.pptx': damaged: the file is cut off"
	want 0 docs list --json
	json_all 'map(select(.state == "indexed") | .path) == ["in/essay.odt", "in/hive.docx"]'
	want 0 docs list --json --skipped
	json '.path == "in/locked.docx" and .error == "is password-protected"'
}

@test "without pdftotext a PDF is skipped, and read once it is there" {
	needs_pdftotext
	documents
	br init -q
	mkdir in bin
	cp docs/handbook.pdf in
	EXTRA=(PATH="$S/w/bin")
	want 0 sync in
	want 0 docs list --json --skipped
	json '.state == "skipped" and (.error | contains("needs pdftotext") and contains("poppler-utils"))'
	EXTRA=()
	want 0 sync in
	want 0 query 'pallet stones'
	out_has 'handbook.pdf'
}
