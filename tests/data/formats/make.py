#!/usr/bin/env python3
"""Writes one small document of each format into a folder: make.py FOLDER. Only the standard library; all text is our own."""
import os
import sys
import zipfile

REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def container(path, parts):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in parts:
            z.writestr(name, text, zipfile.ZIP_STORED if name == "mimetype" else None)


def rels(*list_of):
    return "<Relationships>" + "".join(f'<Relationship Id="{i}" Type="{REL}/{t}" Target="{to}"/>' for i, t, to in list_of) + "</Relationships>"


def pdf(path, pages):
    """Pages are lists of (size of type, x, y, text)."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Count %d/Kids[%s]>>" % (len(pages), " ".join(f"{4 + 2 * i} 0 R" for i in range(len(pages)))),
               "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    for i, lines in enumerate(pages):
        text = "".join(f"BT /F1 {size} Tf {x} {y} Td ({t}) Tj ET\n" for size, x, y, t in lines)
        objects.append(f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {5 + 2 * i} 0 R/Resources<</Font<</F1 3 0 R>>>>>>")
        objects.append(f"<</Length {len(text)}>>\nstream\n{text}endstream")
    out, at = b"%PDF-1.4\n", []
    for i, o in enumerate(objects, 1):
        at.append(len(out))
        out += f"{i} 0 obj\n{o}\nendobj\n".encode()
    start = len(out)
    out += f"xref\n0 {len(at) + 1}\n0000000000 65535 f \n".encode() + b"".join(b"%010d 00000 n \n" % a for a in at)
    out += f"trailer\n<</Size {len(at) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n".encode()
    with open(path, "wb") as f:
        f.write(out)


def docx(path):
    p = '<w:p><w:pPr><w:pStyle w:val="{}"/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'
    container(path, [
        ("[Content_Types].xml", "<Types/>"), ("_rels/.rels", rels(("r1", "officeDocument", "word/document.xml"))),
        ("word/_rels/document.xml.rels", rels(("r1", "styles", "styles.xml"))),
        ("word/styles.xml", '<w:styles xmlns:w="http://x/wordprocessingml/main"><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style></w:styles>'),
        ("word/document.xml", '<w:document xmlns:w="http://x/wordprocessingml/main"><w:body>' + p.format("H1", "Beekeeping in winter") +
         p.format("", "Wrap the hive against marten and woodpecker before the first frost comes.") + "</w:body></w:document>")])


def pptx(path):
    ns = f' xmlns:a="a" xmlns:p="p" xmlns:r="{REL}"'
    slide = ("<p:sld" + ns + '><p:sp><p:nvPr><p:ph type="title"/></p:nvPr><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sp>'
             "<p:sp><p:nvPr/><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sp></p:sld>")
    container(path, [
        ("[Content_Types].xml", "<Types/>"), ("_rels/.rels", rels(("r1", "officeDocument", "ppt/presentation.xml"))),
        ("ppt/presentation.xml", f'<p:presentation{ns}><p:sldIdLst><p:sldId r:id="a"/><p:sldId r:id="b"/></p:sldIdLst></p:presentation>'),
        ("ppt/_rels/presentation.xml.rels", rels(("a", "slide", "slides/slide9.xml"), ("b", "slide", "slides/slide1.xml"))),
        ("ppt/slides/slide9.xml", slide.format("Volcanoes", "An introduction for the geology club.")),
        ("ppt/slides/slide1.xml", slide.format("Lava", "Basaltic magma flows faster than rhyolite because it holds less silica."))])


def xlsx(path):
    row = "<row>{}</row>"
    words = '<c t="inlineStr"><is><t>{}</t></is></c>'
    sheet = "<worksheet><sheetData>{}</sheetData></worksheet>"
    container(path, [
        ("[Content_Types].xml", "<Types/>"), ("_rels/.rels", rels(("r1", "officeDocument", "xl/workbook.xml"))),
        ("xl/workbook.xml", f'<workbook xmlns:r="{REL}"><sheets><sheet name="Index" r:id="a"/><sheet name="Orchard" r:id="b"/></sheets></workbook>'),
        ("xl/_rels/workbook.xml.rels", rels(("a", "worksheet", "worksheets/sheet1.xml"), ("b", "worksheet", "worksheets/sheet2.xml"))),
        ("xl/worksheets/sheet1.xml", sheet.format(row.format(words.format("See the other sheet for what was picked.")))),
        ("xl/worksheets/sheet2.xml", sheet.format(row.format(words.format("Variety") + words.format("Kilograms picked")) +
                                                  row.format(words.format("Boskoop") + "<c><v>1.875E+3</v></c>")))])


def odf(path, kind, body, styles=""):
    ns = "".join(f' xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "text", "table", "presentation", "style")) + ' xmlns:draw="d"'
    container(path, [
        ("mimetype", f"application/vnd.oasis.opendocument.{kind}"),
        ("content.xml", f"<office:document-content{ns}>{styles}<office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>")])


def epub(path):
    chapter = "<html><head><title>x</title></head><body><h1>{}</h1><p>{}</p></body></html>"
    container(path, [
        ("mimetype", "application/epub+zip"),
        ("META-INF/container.xml", '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'),
        ("book.opf", '<package xmlns:dc="d"><metadata><dc:title>The Ferryman</dc:title><dc:language>en</dc:language></metadata><manifest>'
         '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="b" href="b.xhtml" media-type="application/xhtml+xml"/></manifest>'
         '<spine><itemref idref="b"/><itemref idref="a"/></spine></package>'),
        ("a.xhtml", chapter.format("The crossing", "Halfway over the estuary the tide turned and the oar broke.")),
        ("b.xhtml", chapter.format("The landing stage", "He waited for passengers from dusk till dawn."))])


def main(folder):
    os.makedirs(folder, exist_ok=True)

    def at(name):
        return os.path.join(folder, name)
    filler = [(11, 60, 690 - 13 * i, f"Line {i} of what every handbook says about nothing in particular, and more of it.") for i in range(40)]
    pdf(at("handbook.pdf"), [[(20, 60, 740, "Clock repair")] + filler, filler,
                             [(16, 60, 740, "The escapement"), (11, 60, 700, "Oil the pallet stones sparingly, for a drop too many slows the anchor.")]])
    docx(at("hive.docx"))
    pptx(at("club.pptx"))
    xlsx(at("harvest.xlsx"))
    odf(at("essay.odt"), "text", '<text:h text:outline-level="1">On bridges</text:h><text:p>A suspension bridge carries its deck by cables hung between towers.</text:p>')
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    odf(at("budget.ods"), "spreadsheet", '<table:table table:name="Totals"><table:table-row>' + cell.format("See Details") + "</table:table-row></table:table>"
        '<table:table table:name="Details"><table:table-row>' + cell.format("Item") + cell.format("Price in crowns") + "</table:table-row><table:table-row>" +
        cell.format("Telescope tripod") + cell.format("4,250") + "</table:table-row></table:table>")
    odf(at("show.odp"), "presentation", '<draw:page><draw:frame presentation:class="title"><text:p>Knots</text:p></draw:frame></draw:page>'
        '<draw:page><text:p>The bowline makes a loop that neither slips nor jams.</text:p></draw:page>')
    epub(at("ferryman.epub"))


if __name__ == "__main__":
    main(sys.argv[1])
