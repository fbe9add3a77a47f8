"""A session of `br chat` at a pseudo-terminal: STEPS is a file of lines `text TAB pattern`; each text (with escapes) is typed, then
the pattern must appear. Prints what the terminal showed; exits with br's status, 99 when a pattern did not come within 20 s."""
import os, pty, re, select, signal, sys, termios, time

steps, cmd = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(cmd[0], cmd)
shown = b""


def wait_for(pattern):
    global shown
    start, end = len(shown), time.time() + 20
    while time.time() < end:
        if re.search(pattern, shown[start:], re.S):
            return
        if select.select([fd], [], [], 0.1)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                data = b""
            if not data:
                break
            shown += data
    if not re.search(pattern, shown[start:], re.S):
        sys.stdout.buffer.write(shown)
        print(f"\nnever came: {pattern!r}")
        os.kill(pid, signal.SIGKILL)
        sys.exit(99)


def wait_raw():
    """libedit prints its prompt before it takes the terminal out of line mode, in which Ctrl-D would be eaten."""
    end = time.time() + 20
    while termios.tcgetattr(fd)[3] & termios.ICANON and time.time() < end:
        time.sleep(0.01)


wait_for(rb"br> ")
for line in open(steps, "rb"):
    text, pattern = line.rstrip(b"\n").split(b"\t")
    wait_raw()
    os.write(fd, text.decode("unicode_escape").encode("latin-1"))
    wait_for(pattern)
end = time.time() + 20
while True:
    if time.time() > end:
        os.kill(pid, signal.SIGKILL)
        sys.stdout.buffer.write(shown)
        print("\nnever ended")
        sys.exit(99)
    if not select.select([fd], [], [], 0.1)[0]:
        continue
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    shown += data
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
