#!/usr/bin/env python3
"""Writes one small document of each text-like format and container into a folder: make_more.py FOLDER. Only the standard library; all
text is our own."""
import gzip
import io
import json
import os
import sys
import tarfile
import zipfile

MAIL = """From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>
To: team@example.org
Subject: The orchard in =?utf-8?B?T2t0b2Jlcg==?=
Date: Mon, 5 Oct 2026 10:00:00 +0200
Message-ID: <{id}@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="outer"

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

The Boskoop trees bear well this year, the caf=E9 wants forty crates.

--inner
Content-Type: text/html

<p>The Boskoop trees bear well this year.</p>
--inner--
--outer
Content-Type: text/csv; name=crates.csv
Content-Disposition: attachment; filename*=utf-8''crates%20{id}.csv
Content-Transfer-Encoding: base64

dmFyaWV0eSxjcmF0ZXMKQm9za29vcCw0MApDb3gsMTIK
--outer
Content-Type: message/rfc822

From: k@example.org
Subject: Ladders

Two of the ladders are broken.
--outer--
"""

RTF = r"""{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fswiss Helvetica;}{\f1\fcharset204 Arial;}}{\info{\title Ferries}}
{\stylesheet{\s1 heading 1;}}\pard\s1 The crossing\par\pard Halfway over the estuary the tide turned\'85 and the oar broke.\par
\trowd\cellx1\cellx2\pard\intbl Tide\cell Hour\cell\row\pard\intbl High\cell 6\cell\row\pard{\listtext\'b7\tab}Wait for dusk\par
{\f1 \'cf\'f0\'e8\'eb\'e8\'e2}\par {\pict\pngblip 89504e470d0a}}"""

SRT = "1\n00:00:01,000 --> 00:00:03,000\nThe <i>bowline</i> makes a loop\n\n2\n00:00:03,500 --> 00:00:05,000\nthat neither slips nor jams.\n"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE guide [<!ENTITY maker "nobody">]>
<guide><title>Clock repair</title>
<step n="1">Oil the <em>pallet</em> stones sparingly.</step>
<step n="2"><![CDATA[Too much & the anchor drags]]> &maker; &eacute;</step>
</guide>
"""


def notebook():
    cells = [{"cell_type": "markdown", "source": ["# Tides\n", "\n", "Heights by [hour](http://example.org)."]},
             {"cell_type": "code", "source": "print(height(6))", "outputs": [{"output_type": "stream", "text": ["4.2 metres\n"]}]}]
    return json.dumps({"cells": cells, "nbformat": 4, "metadata": {}})


def zipped(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts:
            z.writestr(name, data)
    return out.getvalue()


def tarred(parts):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, data in parts:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def main(folder):
    os.makedirs(folder, exist_ok=True)
    parts = [("guide.xml", XML.encode()), ("sub/tides.ipynb", notebook().encode()), ("sub/ferries.rtf", RTF.encode())]
    files = {"orchard.eml": MAIL.format(id=1), "post.mbox": "".join(f"From x Mon Oct  5 10:00:00 2026\n{MAIL.format(id=i)}\n" for i in (1, 2, 3)),
             "ferries.rtf": RTF, "knots.srt": SRT, "knots.vtt": "WEBVTT\n\n" + SRT.replace(",", "."), "guide.xml": XML, "tides.ipynb": notebook(),
             "all.zip": zipped(parts + [("inner.zip", zipped(parts))]), "all.tar.gz": gzip.compress(tarred(parts), mtime=0), "all.tar": tarred(parts)}
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())


if __name__ == "__main__":
    main(sys.argv[1])
