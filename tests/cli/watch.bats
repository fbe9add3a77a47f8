#!/usr/bin/env bats
# Folders that are watched. A test changes something and waits until the events say so.
load lib

teardown() { [ -z "$WATCHER" ] || kill -KILL "$WATCHER" 2>/dev/null || true; }

# watching ARGS...: starts it and waits until it is ready. Events are in $S/events.
watching() {
	env --default-signal=INT -i "${ENV[@]}" "${EXTRA[@]}" "$BR" watch --json "$@" >"$S/events" 2>"$S/err" </dev/null 3>&- &
	WATCHER=$!
	SEEN=0
	until grep -q '"event":"watch"' "$S/events"; do
		kill -0 "$WATCHER" 2>/dev/null || { cat "$S/err"; return 1; }
		pause 0.02
	done
	SEEN=$(wc -l <"$S/events")
}
pause() { read -rt "$1" <> <(:) || true; }

# comes EXPRESSION: an event after the last one that was waited for fits. It takes a quarter of a second where nothing else
# runs; the limit is several, and more under a sanitizer.
comes() {
	local i tries=150
	[ "$BR_MODE" = asan ] && tries=500
	for ((i = 0; i < tries; i++)); do
		if tail -n +$((SEEN + 1)) "$S/events" | jq -se "map(select(.event == \"file\")) | any($1)" >/dev/null; then return 0; fi
		pause 0.02
	done
	echo "no event fits: $1"
	tail -n +$((SEEN + 1)) "$S/events"
	return 1
}
# What comes from now on is another batch.
done_with() {
	until tail -n 1 "$S/events" | grep -q '"event":"done"'; do pause 0.02; done
	SEEN=$(wc -l <"$S/events")
}
stop() {
	local status=0
	kill -INT "$WATCHER"
	wait "$WATCHER" || status=$?
	WATCHER=
	: >"$S/out"
	check_status 0 "$status" "watch, interrupted"
	err_empty
}

@test "files: create, change, write and rename, delete and create, move, delete" {
	small_workspace
	watching
	printf 'new\n' >docs/new.txt
	comes '.action == "add" and .path == "docs/new.txt"'; done_with
	printf 'more\n' >>docs/new.txt
	comes '.action == "change" and .path == "docs/new.txt"'; done_with
	printf 'from an editor\n' >docs/.new.txt.swp
	mv docs/.new.txt.swp docs/new.txt
	comes '.action == "change" and .path == "docs/new.txt"'; done_with
	rm docs/new.txt
	printf 'written anew\n' >docs/new.txt
	comes '.action == "change" and .path == "docs/new.txt"'; done_with
	mv docs/new.txt moved.txt
	comes '.action == "move" and .path == "moved.txt" and .from == "docs/new.txt"'; done_with
	rm moved.txt
	comes '.action == "delete" and .path == "moved.txt"'; done_with
	stop
	want 0 docs list --paths
	[ "$(sort "$S/out" | tr '\n' ' ')" = "docs/locks.md docs/rain.txt soup.md " ]
	want 0 verify
}

@test "folders: create with content, fill, move, move out and in, delete" {
	small_workspace
	mkdir "$S/outside"
	watching .
	mkdir -p a/b/c
	printf 'deep\n' >a/b/c/deep.txt
	comes '.action == "add" and .path == "a/b/c/deep.txt"'; done_with
	mv a z
	comes '.action == "move" and .path == "z/b/c/deep.txt"'; done_with
	printf 'after the move\n' >z/b/after.txt
	comes '.action == "add" and .path == "z/b/after.txt"'; done_with
	mv z "$S/outside/"
	comes '.action == "delete" and .path == "z/b/after.txt"'; done_with
	printf 'not ours\n' >"$S/outside/z/b/x.txt"
	mv "$S/outside/z" back
	comes '.action == "add" and .path == "back/b/x.txt"'; done_with
	printf 'changed\n' >back/b/c/deep.txt
	comes '.action == "change" and .path == "back/b/c/deep.txt"'; done_with
	rm -r back
	comes '.action == "delete" and .path == "back/b/c/deep.txt"'; done_with
	stop
	want 0 verify
}

@test "what is ignored stays out; a new ignore file takes out and lets in again" {
	small_workspace
	mkdir build
	printf 'build/\n' >.gitignore
	watching .
	printf 'made\n' >build/made.txt
	printf 'docs/rain.txt\n*.log\n' >>.gitignore
	printf 'x\n' >a.log
	printf 'seen\n' >b.txt
	comes '.action == "add" and .path == "b.txt"'
	comes '.action == "delete" and .path == "docs/rain.txt"'; done_with
	! grep -q 'made.txt\|a.log' "$S/events"
	rm .gitignore
	comes '.action == "add" and .path == "build/made.txt"'; done_with
	printf 'again\n' >build/again.txt
	comes '.action == "add" and .path == "build/again.txt"'; done_with
	stop
}

@test "many files at once are one batch; only what changed is told" {
	small_workspace
	watching .
	local i
	for ((i = 0; i < 400; i++)); do printf 'file number %s\n' "$i" >"docs/many-$i.txt"; done
	comes '.path == "docs/many-399.txt"'; done_with
	stop
	[ "$(grep -c '"action":"add"' "$S/events")" -eq 400 ]
	[ "$(grep -c '"event":"done"' "$S/events")" -le 4 ]
	! grep -q '"action":"keep"' "$S/events"
	want 0 sync --json
	json_all 'last | .added == 0 and .changed == 0 and .deleted == 0 and .kept == 403'
}

@test "others write in between; nothing is held" {
	small_workspace
	watching .
	want_in 0 'from elsewhere\n' ingest --wait 0 --stdin-name note.txt -
	printf 'x\n' >x.txt
	comes '.path == "x.txt"'; done_with
	want 0 notebook create --wait 0 other
	want 0 docs list --paths
	out_has note.txt
	out_has x.txt
	# readers: none is left open between two batches, so nothing old is kept alive
	[ "$(ls -l "/proc/$WATCHER/fd" | grep -c '\.br/lock')" -le 1 ]
	stop
}

@test "while nothing happens it takes no processor time" {
	small_workspace
	watching .
	pause 0.5
	local before after
	before=$(awk '/ctxt/ { n += $2 } END { print n }' "/proc/$WATCHER/status")
	used=$(cut -d' ' -f14,15 "/proc/$WATCHER/stat")
	pause 1.5
	after=$(awk '/ctxt/ { n += $2 } END { print n }' "/proc/$WATCHER/status")
	[ "$(cut -d' ' -f14,15 "/proc/$WATCHER/stat")" = "$used" ]
	[ "$before" -eq "$after" ] # it was not even woken
	stop
}

@test "a failing file is named; the watch goes on" {
	small_workspace
	want 0 config set ingest.max_file 1000
	watching .
	head -c 5000 /dev/zero | tr '\0' x >big.txt
	comes '.action == "fail" and .path == "big.txt"'; done_with
	printf 'fine\n' >fine.txt
	comes '.action == "add" and .path == "fine.txt"'
	stop
}

@test "folders of earlier syncs, several folders, sync --watch, people's output" {
	br init -q
	want 129 watch
	err_has "no folder was synced"
	want 128 watch nowhere
	err_has "cannot watch '$S/w/nowhere': no such folder"
	mkdir a b c
	want 0 sync -q a b
	watching
	printf 'a\n' >a/a.txt
	printf 'b\n' >b/b.txt
	printf 'c\n' >c/c.txt
	comes '.path == "a/a.txt"'
	comes '.path == "b/b.txt"'
	stop
	! grep -q c.txt "$S/events"
	env --default-signal=INT -i "${ENV[@]}" "$BR" sync --watch c >"$S/events" 2>"$S/err" </dev/null 3>&- &
	WATCHER=$!
	until grep -q 'watching 1 folder' "$S/err"; do pause 0.02; done
	printf 'd\n' >c/d.txt
	until grep -q '^A c/d.txt' "$S/events"; do pause 0.02; done
	kill -TERM "$WATCHER"
	wait "$WATCHER"
	WATCHER=
	grep -q '^1 added' "$S/events"
	want 129 sync --watch --plan
	want 129 sync --poll 3
}

@test "a folder that goes ends the watch" {
	small_workspace
	mkdir "$S/w/away"
	watching away
	rmdir away
	local status=0
	wait "$WATCHER" || status=$?
	WATCHER=
	: >"$S/out"
	check_status 128 "$status" "watch of a folder that goes"
	err_json '.error.message | contains("away")'
}

@test "--poll does without inotify" {
	small_workspace
	watching --poll 1
	grep -q '"poll":true' "$S/events"
	printf 'new\n' >n.txt
	until grep -q '"path":"n.txt"' "$S/events"; do pause 0.05; done
	stop
}

@test "too few watches allowed: the message names the knob" {
	small_workspace
	mkdir -p d/{1,2,3,4,5,6,7,8}
	# user.max_inotify_watches is each user namespace's own; the machine's is not touched
	local limit='echo 3 >/proc/sys/user/max_inotify_watches'
	if ! unshare -Ur sh -c "$limit" 2>/dev/null; then
		echo "# skipped: user namespaces are not allowed here" >&3
		skip "user namespaces are not allowed here"
	fi
	AS=(unshare -Ur sh -c "$limit && exec \"\$@\"" sh)
	want 14 watch .
	err_has "fs.inotify.max_user_watches"
	err_has "hint: "
	err_has "--poll"
}

@test "the kernel's queue overflows: everything is looked at" {
	small_workspace
	local most
	most=$(cat /proc/sys/fs/inotify/max_queued_events)
	if [ "$most" -gt 30000 ]; then
		echo "# skipped: the queue holds $most events" >&3
		skip "the queue holds $most events"
	fi
	mkdir q
	watching .
	kill -STOP "$WATCHER"
	(cd q && seq $((most / 2)) | split -l 1 -a 4 --additional-suffix=.txt) # two events a file at least
	printf 'words\n' >soup.md
	kill -CONT "$WATCHER"
	until grep -q '"path":"soup.md"' "$S/events"; do pause 0.05; done
	done_with
	printf 'later\n' >q/later.txt
	comes '.path == "q/later.txt"'
	stop
	want 0 sync --json
	json_all "last | .added == 0 and .changed == 0 and .kept == $((most / 2)) + 4"
}
