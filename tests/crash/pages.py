"""What each byte of data.mdb is: LMDB's pages, read without LMDB (the layout stands in src/store/check.c)."""
import struct

BRANCH, LEAF, OVERFLOW = 1, 2, 4
BIG, TREE = 1, 2
NO_ROOT = (1 << 64) - 1


class Pages:
    """kinds[i]: 'meta', 'old meta', 'page', 'key', 'vec', 'value' or 'free'; of the newest meta page's trees."""

    def __init__(self, data):
        self.data, self.psize = data, struct.unpack_from("<I", data, 40)[0]
        self.kinds = bytearray(len(data))
        self.names = ["free", "old meta", "meta", "page", "key", "vec", "value"]
        metas = [(struct.unpack_from("<Q", data, p + 16 + 128)[0], p) for p in (0, self.psize)]
        for txn, at in sorted(metas):
            self.mark(at, self.psize, "free")
            self.mark(at + 8, 8 + 136, "meta" if txn == max(metas)[0] else "old meta")
        meta = max(metas)[1] + 16
        self.tree(meta + 24, "free list")
        self.tree(meta + 24 + 48, "directory")

    def mark(self, at, n, kind):
        self.kinds[at:at + n] = bytes([self.names.index(kind)]) * n

    def kind(self, at):
        return self.names[self.kinds[at]]

    def places(self):
        """{kind: its bytes}, without what is free."""
        out = {}
        for at, k in enumerate(self.kinds):
            if k:
                out.setdefault(self.names[k], []).append(at)
        return out

    def u16(self, at):
        return struct.unpack_from("<H", self.data, at)[0]

    def tree(self, at, table):
        root = struct.unpack_from("<Q", self.data, at + 40)[0]
        if root != NO_ROOT:
            self.page(root, table)

    def page(self, no, table):
        p = no * self.psize
        self.mark(p, self.u16(p + 12), "page")
        leaf = self.u16(p + 10) == LEAF
        for i in range((self.u16(p + 12) - 16) // 2):
            node = p + self.u16(p + 16 + 2 * i)
            key = self.u16(node + 6)
            size = self.u16(node) | self.u16(node + 2) << 16
            self.mark(node, 8, "page")
            self.mark(node + 8, key, "key")
            if not leaf:
                self.page(size | self.u16(node + 4) << 32, table)
            else:
                self.value(node, self.data[node + 8:node + 8 + key], node + 8 + key, size, table)

    def value(self, node, key, at, size, table):
        flags = self.u16(node + 4)
        if flags & TREE:
            self.mark(at, 48, "page")
            self.tree(at, key.decode())
            return
        if flags & BIG:
            self.mark(at, 8, "page")
            at = struct.unpack_from("<Q", self.data, at)[0] * self.psize
            self.mark(at, 16, "page")
            at += 16
        self.mark(at, size, "page" if table == "free list" else "vec" if table == "vec" else "value")
