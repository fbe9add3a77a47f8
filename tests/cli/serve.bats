#!/usr/bin/env bats
# What is seen of `br serve` from the command line; tests/http asks it questions.
load lib

@test "the OpenAPI document is printed without a workspace" {
	want 0 serve --print-openapi
	json '.openapi == "3.1.0" and (.paths["/query"].post.operationId == "query") and ([.paths[][] | select(.["x-level"] == null)] == [])'
	err_empty
}

@test "options that cannot be" {
	small_workspace
	want 129 serve --listen nonsense
	err_has "port"
	want 129 serve --listen ::1:80
	err_has "brackets"
	want 129 serve --listen 0.0.0.0:0
	err_has "--insecure does it"
	want 129 serve --listen 127.0.0.1:0 --cert x.pem
	err_has "both a certificate and its key"
	want 129 serve --grace soon
	want 128 serve --unix "$S/no/such/folder/s"
	err_has "cannot listen on"
	want 128 serve --listen 127.0.0.1:0 --access-log "$S/no/such/file"
	err_has "cannot write the access log"
}

@test "it says where it listens, answers, and ends with status 0 on SIGTERM" {
	small_workspace
	br serve --listen 127.0.0.1:0,127.0.0.1:0 --pid-file "$S/pid" 2>"$S/said" >/dev/null &
	local job=$! i=0
	until [ "$(grep -c '^listening on http://127.0.0.1:' "$S/said")" = 2 ] && [ -s "$S/pid" ]; do
		[ $((i++)) -lt 200 ] || fails_with "it does not start: $(cat "$S/said")"
		sleep 0.05
	done
	local url
	url=$(sed -n 's/^listening on //p' "$S/said" | head -1)
	exec 9<>"/dev/tcp/127.0.0.1/${url##*:}"
	printf 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&9
	grep -q '^ok' <&9
	exec 9>&-
	kill -TERM "$(cat "$S/pid")"
	wait $job
	[ ! -e "$S/pid" ]
}
