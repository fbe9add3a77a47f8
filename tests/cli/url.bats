#!/usr/bin/env bats
# Documents from the web, asked of the server of tests/http/server.py.
load lib

SERVERS=()

# serve [CERTIFICATE]: serves $S/www; its port is in PORT, its address in U.
serve() {
	command -v python3 >/dev/null || { echo "# skipped: python3 is not installed" >&3; skip "python3 is not installed"; }
	mkdir -p "$S/www"
	rm -f "$S/port"
	python3 "$BATS_TEST_DIRNAME/../http/server.py" "$S/www" "$S/port" "$S/log" "$@" >/dev/null 2>&1 3>&- &
	SERVERS+=($!)
	eventually test -s "$S/port"
	PORT=$(cat "$S/port")
	U=http://127.0.0.1:$PORT
	: >"$S/log"
	br init -q
	EXTRA=(BR_ALLOW=127.0.0.1)
}
teardown() { [ ${#SERVERS[@]} -eq 0 ] || kill "${SERVERS[@]}" 2>/dev/null || true; }

page() { printf '<html><head><title>%s</title></head><body><p>%s</p></body></html>' "$2" "$3" >"$S/www/$1"; }
asked() { grep -c " $1\( \|\$\)" "$S/log"; }

@test "a page becomes a document: path, title, text; passages answer questions" {
	serve
	page locks.html Locks 'The writer takes one lock. Others wait.'
	want 0 ingest "HTTP://127.0.0.1:$PORT/x/../locks.html#part"
	out_has "1 added"
	want 0 docs show --json "$U/locks.html"
	json ".path == \"$U/locks.html\" and .title == \"Locks\" and .origin == \"url\" and .format == \"html\" and .gone == null and .state == \"indexed\""
	want 0 docs show "http://127.0.0.1:0$PORT/./locks.html"
	want 0 docs cat "$U/locks.html"
	out_has "The writer takes one lock."
	want 0 query --json lock
	json ".hits[0].path == \"$U/locks.html\" and .hits[0].stale == false and .stale_sources == 0"
	want 0 sync --plan . # files and pages do not touch each other
	want 0 docs rm "$U/locks.html"
	want 0 verify
}

@test "unchanged pages are asked for with what the server said, and kept; changed ones are indexed again" {
	serve
	page a.html A 'first words'
	want 0 ingest "$U/a.html"
	want 0 ingest --json "$U/a.html"
	json_all '.[0].action == "keep" and .[1].kept == 1'
	grep -q '/a.html If-None-Match="[0-9a-f]*" If-Modified-Since=' "$S/log"
	page a.html A 'other words'
	want 0 ingest --json "$U/a.html"
	json_all '.[0].action == "change"'
	want 0 docs cat "$U/a.html"
	out_has "other words"
	want 0 ingest --refresh --json
	json_all '.[0].action == "keep"'
	: >"$S/log"
	want 0 ingest --force --json "$U/a.html"
	json_all '.[0].action == "change"'
	! grep -q If-None-Match "$S/log"
	want 0 verify
}

@test "a page that is gone is told, kept and marked; one that is back is not marked any more" {
	serve
	page a.html A 'words about boats'
	page b.html B 'words about soup'
	want 0 ingest "$U/a.html" "$U/b.html"
	mv "$S/www/a.html" "$S/away.html"
	want 2 ingest --refresh
	err_has "cannot index '$U/a.html': HTTP 404 Not Found; what was indexed is kept"
	out_has "1 unchanged, 1 failed"
	want 0 docs show --json "$U/a.html"
	json '.gone == "HTTP 404 Not Found" and .state == "indexed"'
	want 0 query --json boats
	json ".hits[0] | .path == \"$U/a.html\" and .stale"
	want 0 verify
	mv "$S/away.html" "$S/www/a.html"
	want 0 ingest --refresh
	out_has "2 unchanged"
	want 0 docs show --json "$U/a.html"
	json '.gone == null'
}

@test "redirects: the document is where the page is; loops, and places that are no web, are failures" {
	serve
	page a.html A 'words'
	want 0 ingest "$U/_/to?url=/_/to?url=/a.html"
	want 0 docs list --paths
	out_is "$U/a.html"
	want 0 ingest --json "$U/_/to?url=/a.html"
	json_all '.[0].action == "keep"'
	want 2 ingest "$U/_/loop"
	err_has "redirected more than 10 times"
	want 2 ingest "$U/_/to?url=file:///etc/passwd"
	err_has "only http and https are read"
	want 0 docs list --paths
	[ "$(wc -l <"$S/out")" -eq 1 ]
}

@test "a document whose URL leads elsewhere now is kept and marked" {
	serve
	page a.html A 'words'
	page b.html B 'other words'
	want 0 ingest "$U/a.html"
	printf '%s/b.html' "$U" >"$S/www/a.html.to"
	want 0 ingest --refresh --json
	json_all ".[0].action == \"add\" and .[0].path == \"$U/b.html\""
	want 0 docs show --json "$U/a.html"
	json ".gone == \"leads to $U/b.html\""
	rm "$S/www/a.html.to"
	want 0 ingest --refresh
	out_has "2 unchanged"
	want 0 docs show --json "$U/a.html"
	json '.gone == null'
}

@test "statuses, sizes, times: named, status 2, the others are indexed, nothing is left behind" {
	serve
	page a.html A 'words'
	want 0 config set net.max_size 20000
	want 0 config set net.timeout 1
	want 2 ingest "$U/nothing.html" "$U/_/status?n=403" "$U/_/big?kb=100" "$U/_/bomb?mb=1" "$U/_/slow?s=9" "$U/a.html"
	err_has "'$U/nothing.html': HTTP 404 Not Found"
	err_has "HTTP 403 Forbidden"
	err_has "kb=100': the answer has more than 20000 bytes"
	err_has "mb=1': the answer has more than 20000 bytes"
	err_has "'127.0.0.1' takes too long"
	out_has "1 added, 5 failed"
	want 0 docs list --paths
	out_is "$U/a.html"
	want 2 ingest --json "$U/nothing.html"
	json_all '.[0].action == "fail" and .[0].reason == "HTTP 404 Not Found" and .[1].exit == 2'
	want 0 ingest "$U/_/flaky?key=x&n=1"
}

@test "types: what the server says, what the bytes are, what the name is" {
	serve
	hex() { printf %b "$1" | od -An -tx1 | tr -d ' \n'; }
	want 0 ingest --json "$U/_/typed?type=text/markdown&hex=$(hex '# Head\n\nWords.\n')"
	want 0 docs list --json
	json '.format == "markdown" and .title == "Head"'
	want 0 docs rm "$(jq -r .path "$S/out")"
	want 0 ingest "$U/_/typed?type=text/plain&hex=$(hex 'plain words here\n')"
	want 0 docs list --json
	json '.format == "plain"'
	want 0 docs rm "$(jq -r .path "$S/out")"
	# a picture is no text, whatever it is called
	want 0 ingest --json "$U/_/typed?type=text/html&hex=$(hex '\x89PNG\r\n\x1a\n\0\0\0\rIHDR')"
	json_all '.[0].action == "skip" and (.[0].reason | length > 0)'
	# the encoding that only the server tells
	want 0 ingest "$U/_/typed?type=text/html;charset=iso-8859-2&hex=$(hex '<title>t</title><p>za\xbf\xf3\xb3\xe6 g\xea\xb6l\xb1')"
	want 0 docs cat "$(br docs list --paths | grep 8859-2)"
	out_has "zażółć gęślą"
	printf 'a,b\n1,2\n' >"$S/www/t.csv"
	want 0 ingest "$U/t.csv"
	want 0 docs show --json "$U/t.csv"
	json '.format == "csv"'
}

@test "--depth follows links on the same host, once each, breadth first, as far as told" {
	serve
	mkdir "$S/www/d"
	page index.html Home '<a href=b.html#x>b</a> <a href="/b.html?">b</a> <a href=//elsewhere.test/>e</a> <a href=mailto:a@b>m</a> <a href=p.png>p</a>'
	page b.html B '<a href=/d/c.html>c</a> <a href=index.html>self</a> <a href=/>home</a>'
	page d/c.html C '<base href=/d/sub/><a href=../d.html>d</a>'
	page d/d.html D 'the last'
	want 0 ingest --delay 0 --depth 1 "$U/"
	want 0 docs list --paths
	[ "$(sort "$S/out" | tr '\n' ' ')" = "$U/ $U/b.html $U/b.html? " ]
	: >"$S/log"
	want 0 ingest --delay 0 --depth 9 --json "$U/"
	[ "$(awk '$2 ~ /html|\/$/ { print $2 }' "$S/log" | tr '\n' ' ')" = "/ /b.html /b.html? /d/c.html /index.html /d/d.html " ]
	[ "$(asked /p.png)" -eq 0 ]
	[ "$(asked /robots.txt)" -eq 1 ]
	want 0 docs list --paths
	[ "$(wc -l <"$S/out")" -eq 6 ]
	: >"$S/log"
	want 0 ingest --delay 0 --depth 9 --max-pages 3 --json "$U/"
	[ "$(grep -vc robots "$S/log")" -eq 3 ]
	want 129 ingest --depth 2 file.txt
	want 0 verify
}

@test "--depth: robots.txt, nofollow, noindex, broken links" {
	serve
	printf 'User-agent: *\nDisallow: /secret/\nDisallow: /*?print\nAllow: /secret/open.html\n\nUser-agent: else\nDisallow: /\n' >"$S/www/robots.txt"
	mkdir "$S/www/secret"
	page index.html Home '<a href=secret/x.html>x</a> <a href=secret/open.html>o</a> <a href=a.html?print>p</a> <a href=gone.html>g</a> <a href=n.html>n</a>
		<a rel=nofollow href=rel.html>r</a> <a href=nf.html>nf</a> <a href=_/to?url=/secret/x.html>t</a> <a href=_/to?url=http://elsewhere.test/>t</a>'
	page secret/x.html X 'not for us'
	page secret/open.html Open 'for us'
	page n.html N '<meta name=robots content=noindex>words <a href=behind.html>b</a>'
	page behind.html Behind 'words'
	page rel.html Rel 'words'
	page nf.html NF '<meta name=robots content=nofollow><a href=never.html>x</a>'
	want 0 ingest --delay 0 --depth 2 --json "$U/"
	json_all "map(select(.path == \"$U/secret/x.html\"))[0] | .action == \"skip\" and .reason == \"robots.txt forbids it\""
	json_all "map(select(.path == \"$U/gone.html\"))[0] | .action == \"skip\" and .reason == \"HTTP 404 Not Found\""
	json_all "map(select(.path == \"$U/n.html\"))[0].action == \"skip\""
	json_all "map(select(.reason == \"leads to another host: elsewhere.test\")) | length == 1"
	[ "$(asked /secret/x.html)" -eq 0 ]
	[ "$(asked '/a.html?print')" -eq 0 ]
	[ "$(asked /rel.html)" -eq 0 ]
	[ "$(asked /never.html)" -eq 0 ]
	want 0 docs list --paths
	[ "$(sort "$S/out" | tr '\n' ' ')" = "$U/ $U/behind.html $U/nf.html $U/secret/open.html " ]
	# a single page is what the user asked for himself
	want 0 ingest "$U/secret/x.html"
}

@test "--depth: no rules when there is no robots.txt, no reading when it cannot be had" {
	serve
	page index.html Home 'words'
	want 0 ingest --delay 0 --depth 1 "$U/"
	mkdir "$S/www/robots.txt"
	printf '_' >"$S/www/robots.txt/index.html" # answered as a page, without rules
	want 0 ingest --delay 0 --depth 1 "$U/"
}

@test "--depth: pages are apart by --delay or Crawl-delay" {
	serve
	page index.html Home '<a href=b.html>b</a>'
	page b.html B 'words'
	printf 'User-agent: br\nCrawl-delay: 0.4\n' >"$S/www/robots.txt"
	want 0 ingest --delay 0 --depth 1 --json "$U/"
	json_all 'last.took_ms >= 800' # robots.txt, home, b: two pauses
}

@test "addresses of this machine, of private networks and of metadata services are refused" {
	serve
	page a.html A 'words'
	EXTRA=()
	for host in "127.0.0.1:$PORT" "2130706433:$PORT" "0x7f.1:$PORT" "0177.0.0.1:$PORT" "[::ffff:127.0.0.1]:$PORT" "0.0.0.0:$PORT" 10.1.2.3 \
	            192.168.0.1 172.16.0.1 100.64.0.1 169.254.169.254 '[::1]' '[fd00:ec2::254]' '[fe80::1]' '[64:ff9b::a00:1]' '[2002:7f00:1::]'; do
		want 2 ingest "http://$host/a.html"
		err_has "may not be reached"
	done
	[ ! -s "$S/log" ]
	want 2 ingest --allow-private http://169.254.169.254/latest/meta-data/
	err_has "169.254.169.254 is a metadata service address"
	want 0 ingest --allow-private "$U/a.html"
}

@test "a name that leads to this machine is refused, and so is a redirect" {
	serve
	page a.html A 'words'
	EXTRA=(BR_RESOLVE="public.test:$PORT:127.0.0.1 inner.test:80:10.0.0.1")
	want 2 ingest "http://public.test:$PORT/a.html"
	err_has "public.test: 127.0.0.1 is a loopback address, which may not be reached"
	[ ! -s "$S/log" ]
	EXTRA+=(BR_ALLOW=public.test)
	want 0 ingest "http://public.test:$PORT/a.html"
	for to in http://169.254.169.254/latest/ http://[::ffff:a9fe:a9fe]/ http://inner.test/ "http://127.0.0.1:$PORT/a.html" "//2130706433:$PORT/"; do
		want 2 ingest "http://public.test:$PORT/_/to?url=$to"
		err_has "may not be reached"
	done
	! grep -q 'GET /a.html.*GET /a.html' <(tr '\n' ' ' <"$S/log")
}

@test "settings of the network count from a workspace only when it is trusted" {
	serve
	page a.html A 'words'
	EXTRA=()
	printf '[net]\nallow_private = true\nproxy = http://127.0.0.1:%s\n' "$PORT" >.br/config
	want 2 ingest "$U/a.html"
	err_has "not honoured before 'br config trust': net.allow_private,net.proxy"
	err_has "may not be reached"
	want 0 config trust
	want 0 ingest http://example.test/x
	want 0 docs cat http://example.test/x
	out_is "the proxy fetched http://example.test/x"
	want 0 config untrust
	want 0 config set --user net.allow 'bad/range'
	want 129 ingest "$U/a.html"
	err_has "net.allow: 'bad/range'"
}

@test "credentials of a URL are sent, and neither stored nor told" {
	serve
	want 0 ingest -v "http://u:p%20w@127.0.0.1:$PORT/_/auth"
	want 0 docs list --json
	! grep -q 'p%20w' "$S/out" "$S/err"
	json ".path == \"$U/_/auth\""
	want 2 ingest "http://u:wrong@127.0.0.1:$PORT/_/auth" --json
	! grep -q wrong "$S/out" "$S/err"
	want 129 ingest "http://u:secret@127.0.0.1:99999/"
	! grep -q secret "$S/err"
	! grep -rq 'p%20w' .br/data.mdb
}

@test "certificates are checked; net.ca_file says whom else to trust" {
	command -v openssl >/dev/null || { echo "# skipped: openssl is not installed" >&3; skip "openssl is not installed"; }
	openssl req -x509 -newkey rsa:2048 -nodes -days 30000 -subj /CN=x -addext subjectAltName=IP:127.0.0.1 -keyout "$S/key" -out "$S/cert" 2>/dev/null
	cat "$S/key" "$S/cert" >"$S/both"
	serve "$S/both"
	page a.html A 'words'
	want 2 ingest "https://127.0.0.1:$PORT/a.html"
	err_has "does not prove that it is who it says"
	want 0 config set --user net.ca_file "$S/cert"
	want 0 ingest "https://127.0.0.1:$PORT/a.html"
}

@test "--max-errors, usage, no workspace" {
	serve
	page a.html A 'words'
	want 2 ingest --max-errors 2 --json "$U/1" "$U/2" "$U/3" "$U/a.html"
	json_all 'last | .failed == 2 and .stopped and .exit == 2'
	[ "$(asked /3)" -eq 0 ]
	want 129 ingest --plan "$U/a.html"
	err_has "--plan is for files"
	want 129 ingest --refresh "$U/a.html"
	want 129 ingest http://
	want 0 ingest --refresh
	want 129 ingest --delay 100 --depth 1 "$U/"
}

@test "Ctrl-C while a server thinks: status 130" {
	serve
	local pid status=0
	env --default-signal=INT -i "${ENV[@]}" "${EXTRA[@]}" "$BR" ingest "$U/_/slow?s=60" >"$S/out" 2>"$S/err" &
	pid=$!
	eventually test -s "$S/log"
	kill -INT $pid
	wait $pid || status=$?
	check_status 130 $status "ingest, interrupted"
	want 0 verify
}
