#!/usr/bin/env bats
load lib

@test "adds, changes, moves, deletes, keeps" {
	small_workspace
	printf 'changed\n' >>soup.md
	mv docs/rain.txt docs/weather.txt
	rm docs/locks.md
	printf 'new\n' >new.md
	want 0 sync --json
	json_all 'map(select(.path == "soup.md"))[0].action == "change"'
	json_all 'map(select(.path == "new.md"))[0].action == "add"'
	json_all 'map(select(.action == "move"))[0] | .path == "docs/weather.txt" and .from == "docs/rain.txt"'
	json_all 'map(select(.action == "delete"))[0].path == "docs/locks.md"'
	json_all 'last | .event == "done" and .added == 1 and .changed == 1 and .moved == 1 and .deleted == 1 and .failed == 0'
	want 0 docs list --paths
	[ "$(sort "$S/out" | tr '\n' ' ')" = "docs/weather.txt new.md soup.md " ]
	want 0 verify
}

@test "the closing line counts, and nothing is on stderr" {
	br init -q
	printf 'one\n' >a.txt
	want 0 sync .
	grep -Eq '^1 added in [0-9.]+ m?s; 1 passage$' "$S/out"
	err_empty
	want 0 sync
	grep -Eq '^nothing to do: 1 unchanged in [0-9.]+ m?s; 1 passage$' "$S/out"
	want 0 sync -q
	out_empty
}

@test "--plan prints, exits 4, and touches nothing" {
	small_workspace
	printf 'x\n' >>soup.md
	rm docs/locks.md
	printf 'new\n' >new.md
	want 4 sync --plan
	out_has "A new.md"
	out_has "M soup.md"
	out_has "D docs/locks.md"
	out_has "1 to add, 1 to change, 1 to delete"
	want 4 sync --plan --json
	json_all 'last.event == "done"'
	want 0 docs list --paths
	out_has docs/locks.md
	want 0 sync -q
	want 0 sync --plan
}

@test "--json: every event has its fields, generation rises" {
	small_workspace
	want 0 sync --json
	json_all 'all(.[:-1][]; .event == "file" and .action == "keep" and has("path") and has("from") and has("reason"))'
	json_all 'last | has("added") and has("changed") and has("moved") and has("deleted") and has("kept") and has("skipped")
	          and has("failed") and has("chunks") and has("bytes") and has("took_ms") and has("generation")'
	local before after
	before=$(jq -s 'last.generation' "$S/out")
	printf 'x\n' >>soup.md
	want 0 sync --json
	after=$(jq -s 'last.generation' "$S/out")
	[ "$after" -gt "$before" ]
}

@test "-v lists every file" {
	small_workspace
	want 0 sync -v
	out_has "= soup.md"
}

@test ".gitignore, hidden files, --exclude, --hidden, --no-ignore" {
	br init -q
	printf 'secret.txt\n' >.gitignore
	for f in a.txt secret.txt b.log .hidden.txt; do printf 'words\n' >$f; done
	want 0 sync . -x '*.log'
	want 0 docs list --paths
	out_is a.txt
	want 0 sync . --no-ignore --hidden
	want 0 docs list --paths
	out_has secret.txt
	out_has .hidden.txt
	out_has b.log
}

@test "without folders: those of earlier syncs; never synced is a usage error" {
	br init -q
	want 129 sync
	err_has "no folder was synced"
	mkdir a b
	printf 'x\n' >a/x.txt
	printf 'y\n' >b/y.txt
	want 0 sync a
	rm a/x.txt
	want 0 sync
	out_has "1 deleted"
}

@test "folders that are not there, and files, are refused" {
	small_workspace
	want 128 sync nowhere
	err_has "cannot sync 'nowhere': no such folder"
	want 129 sync soup.md
	err_has "'soup.md' is a file"
	want 0 docs list --paths
	[ "$(wc -l <"$S/out")" -eq 3 ]
}

@test "a file that cannot be read: named, status 2, the others are indexed, tried again" {
	br init -q
	printf 'open\n' >a.txt
	printf 'closed\n' >b.txt
	chmod 000 b.txt
	if [ "$(id -u)" -eq 0 ]; then # root reads everything: run as somebody else
		chmod 755 "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" 2>/dev/null || true
		chown -R 65534:65534 "$S"
		AS=(setpriv --reuid 65534 --regid 65534 --clear-groups)
		if ! "${AS[@]}" "$BR" --version >/dev/null 2>&1 || ! "${AS[@]}" ls "$S/w" >/dev/null 2>&1; then
			echo "# skipped: root reads everything, and there is no way to run as somebody else" >&3
			skip "root reads everything"
		fi
	fi
	want 2 sync .
	err_has "br: cannot index 'b.txt': "
	err_has "ermission denied"
	out_has "1 added, 1 failed"
	want 2 sync --json .
	json_all 'map(select(.action == "fail"))[0] | .path == "b.txt" and (.reason | length > 0)'
	json_all 'last.failed == 1'
	chmod 644 b.txt
	want 0 sync
	out_has "1 unchanged"
	want 0 docs list --paths
	[ "$(sort "$S/out" | tr '\n' ' ')" = "a.txt b.txt " ]
}

@test "a file over the limit of size: named, status 2, kept in the list of failures" {
	br init -q
	printf 'fine\n' >a.txt
	head -c 5000 /dev/zero | tr '\0' 'x' >big.txt
	want 0 config set ingest.max_file 1000
	want 2 sync .
	err_has "br: cannot index 'big.txt': "
	out_has "1 added, 1 failed"
	want 0 docs list --failed --json
	json '.path == "big.txt" and .state == "failed" and (.error | length > 0)'
	want 0 status
	out_has "1 document could not be indexed: 'br docs list --failed' tells why"
	want 0 status --json
	json '.notebooks[0].failed == 1'
	want 0 config unset ingest.max_file
	want 0 sync
	want 0 docs list --failed
	out_empty
}

@test "Ctrl-C: status 130, what was committed stays, the next sync completes" {
	br init -q
	local i pid line status=0 name=a-file-with-a-rather-long-name-so-that-events-fill-the-pipe
	for ((i = 0; i < 1000; i++)); do echo "text number $i about something" >"$name-$i.txt"; done
	want 0 sync -q .
	for ((i = 1000; i < 2000; i++)); do echo "text number $i about something" >"$name-$i.txt"; done
	mkfifo "$S/events"
	# The events of unchanged files come before the work begins, and the pipe is too small for them: br waits for us.
	env --default-signal=INT -i "${ENV[@]}" "$BR" sync --json . >"$S/events" 2>"$S/err" &
	pid=$!
	exec 7<"$S/events"
	IFS= read -r line <&7
	[[ $line == '{"event":"file"'*'"action":"keep"'* ]]
	kill -INT $pid
	cat <&7 >"$S/rest"
	exec 7<&-
	wait $pid || status=$?
	: >"$S/out"
	check_status 130 $status "sync, interrupted"
	err_json '.error.exit == 130'
	! grep -q '"event":"done"' "$S/rest"
	want 0 verify
	want 0 docs list --paths
	i=$(wc -l <"$S/out")
	[ "$i" -ge 1000 ]
	[ "$i" -lt 2000 ]
	want 0 sync --json .
	json_all "last | .kept == $i and .added == 2000 - $i and .failed == 0"
}

@test "another writer: status 11 names it, readers go on, --wait 0 does not wait" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	small_workspace
	mkfifo "$S/locked" "$S/done"
	# takes the lock as br does (37: F_OFD_SETLK), until we say so
	python3 - "$S/w/.br/lock" "$S/locked" "$S/done" <<'PY' &
import fcntl, os, struct, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, 0)
os.write(fd, b"%d\n" % os.getpid())
fcntl.fcntl(fd, 37, struct.pack("hhqqi", fcntl.F_WRLCK, 0, 0, 0, 0) + b"\0" * 4)
open(sys.argv[2], "w").write("locked\n")
open(sys.argv[3]).read()
PY
	local pid=$! line
	read -r line <"$S/locked"
	printf 'new\n' >new.txt
	want 11 sync --wait 0
	err_has "$pid"
	err_has "hint: --wait 60"
	want 11 sync --wait 0 --json
	err_json '.error.exit == 11'
	want 0 query lock
	want 0 status
	local status=0
	br doctor >"$S/out" 2>"$S/err" || status=$?
	grep -q '^warn  lock' "$S/out"
	: >"$S/done"
	wait $pid
	want 0 sync --wait 0
	out_has "1 added"
}

@test "--since-commit: only what git says changed is looked at" {
	command -v git >/dev/null || skip "git is not installed"
	small_workspace
	local g=(env -i PATH="$PATH" HOME="$S/home" GIT_CONFIG_NOSYSTEM=1 git -c user.name=n -c user.email=e -c init.defaultBranch=main)
	printf '.br\n' >.gitignore
	"${g[@]}" init -q
	"${g[@]}" add .
	"${g[@]}" commit -qm one
	want 0 sync --json --since-commit HEAD .
	json_all 'length == 1 and .[0].kept == 0'
	printf 'changed\n' >>soup.md
	printf 'and more rain\n' >>docs/rain.txt
	printf 'new\n' >"docs/ä b.txt"
	rm docs/locks.md
	mkdir later
	"${g[@]}" add -A
	printf 'not told to git\n' >later/untracked.txt
	want 4 sync --plan --since-commit HEAD docs
	out_has "1 to add, 1 to change, 1 to delete"
	want 0 sync --json --since-commit HEAD .
	json_all 'map(select(.event == "file") | "\(.action) \(.path)") | sort == ["add docs/ä b.txt", "change docs/rain.txt", "change soup.md", "delete docs/locks.md"]'
	"${g[@]}" commit -qam two
	"${g[@]}" mv soup.md stew.md
	want 0 sync --json --since-commit main .
	json_all 'map(select(.event == "file"))| length == 1 and .[0].action == "move" and .[0].path == "stew.md" and .[0].from == "soup.md"'
	# from a hook, whose variables would lead git elsewhere
	EXTRA=(GIT_DIR=/nonexistent GIT_INDEX_FILE=/nonexistent)
	want 0 sync --since-commit HEAD~1 .
	EXTRA=()
	want 0 sync --json .
	json_all 'last | .added == 1 and .changed == 0 and .deleted == 0'
	want 0 verify
}

@test "--since-commit: what is no commit, no repository, no git" {
	command -v git >/dev/null || skip "git is not installed"
	small_workspace
	want 129 sync --since-commit HEAD .
	err_has "'.' is in no git repository"
	env -i PATH="$PATH" HOME="$S/home" git init -q
	want 129 sync --since-commit nowhere .
	err_has "'nowhere' is no commit of the repository of '.'"
	want 129 sync --since-commit --output=x .
	[ ! -e x ]
	EXTRA=(PATH=/nonexistent)
	want 128 sync --since-commit HEAD .
	err_has "git, which is not installed"
	EXTRA=()
	want 0 docs list --paths
	[ "$(wc -l <"$S/out")" -eq 3 ]
}

@test "--max-errors stops, says so, deletes nothing; the next run goes on" {
	br init -q
	local i
	printf 'gone later\n' >gone.txt
	want 0 sync -q .
	rm gone.txt
	for i in 1 2 3 4 5; do head -c 5000 /dev/zero | tr '\0' "$i" >"big$i.txt"; done
	printf 'fine\n' >fine.txt
	want 0 config set ingest.max_file 1000
	want 2 sync --max-errors 2 --json .
	json_all 'last | .stopped and .exit == 2 and .failed >= 2 and .deleted == 0'
	want 2 sync --max-errors 2 .
	err_has "stopped by --max-errors"
	want 2 sync --max-errors 9 --json .
	json_all 'last | (.stopped | not) and .failed == 5 and .deleted == 1'
	want 2 sync --json .
	json_all 'last | (.stopped | not)'
	want 0 verify
}

@test "--nice leaves processor and disk to others" {
	small_workspace
	mkfifo "$S/slow"
	env --default-signal=INT -i "${ENV[@]}" "$BR" ingest --nice --ndjson - <"$S/slow" >"$S/out" 2>"$S/err" &
	local pid=$! 
	exec 7>"$S/slow"
	is_nice() { [ "$(awk '{ print $19 }' "/proc/$pid/stat")" = 10 ]; }
	eventually is_nice
	exec 7>&-
	wait $pid
}
