#!/usr/bin/env bats
load lib
prepare() { br init -q; }

@test "create prints the id, and the secret once" {
	want 0 webhook create https://example.com/hook --event kb.created --event kb.deleted
	[[ $(cat "$S/out") =~ ^[0-9a-f-]{36}$ ]] || fails_with "not an id"
	id=$(cat "$S/out")
	err_has "its secret is whsec_"
	secret=$(grep -o 'whsec_[A-Za-z0-9_-]*' "$S/err")
	want 0 webhook show "${id:0:8}"
	out_has "https://example.com/hook"
	out_has "kb.created,kb.deleted"
	out_lacks "$secret"
	want 0 webhook list --json
	out_lacks "$secret"
	out_has '"signed":true'
	want 0 webhook create https://example.com/other --secret mine
	err_empty
	want 0 webhook list
	out_lacks mine
	out_lacks query.completed
}

@test "where webhooks may not go" {
	for url in http://127.0.0.1/x http://localhost:80/ http://169.254.169.254/latest ftp://example.com/ nothing; do
		want 129 webhook create "$url"
	done
	EXTRA=(BR_PROFILE=production)
	want 129 webhook create http://example.com/x
	err_has https
	EXTRA=()
	want 129 webhook create https://example.com/x --event kb.eaten
	want 10 -C / webhook list
	want 1 webhook show 12345678
	want 1 webhook delete 12345678
}

@test "test tells that nothing arrives, deliveries why" {
	EXTRA=(BR_ALLOW_PRIVATE=1)
	want 0 webhook create http://127.0.0.1:9/x --unsigned
	id=$(cat "$S/out")
	want 3 webhook test "$id"
	want 0 webhook deliveries "$id"
	out_has failed
	out_has document.uploaded
	EXTRA=()
	want 0 webhook disable "$id"
	want 0 webhook list
	out_has inactive
	want 129 webhook enable "$id" # it may not go there any more
	want 0 verify
	want 0 webhook delete "$id"
	want 0 webhook list
	out_empty
}
