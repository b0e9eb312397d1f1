"""The site of the documents: built strictly, every link and anchor of its pages leads on, nothing is asked of a network, and the
questions of a newcomer find their page by its search, in a browser that opens it as a file.

    site_test.py SOURCE_DIR BUILD_DIR
"""

import html.parser
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.parse

source, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(source / "tests/page"))
from page_browser import browser  # noqa: E402

FOUND = 3  # pages of a search's results that a reader looks at
QUESTIONS = {  # question: the page that answers it, and words of the answer
    "how do I get the marginal of a region?": ("inference.html", "marginals last --region"),
    "my kl is infinite": ("faq.html", "The model drew a state that the energy forbids"),
    "how do I use my GPU?": ("gpu.html", 'device = "auto"'),
    "how do I cite the numbers?": ("faq.html", "arXiv 2310.12920"),
    "which sampler for a glass?": ("faq.html", "parallel-tempering"),
}


class Page(html.parser.HTMLParser):
    def __init__(self, file):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], {""}
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.anchors |= {values[name] for name in ("id", "name") if values.get(name)}
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        loaded = values.get("href") if tag == "link" else values.get("src")
        if loaded:
            self.loaded.append(loaded)


def broken_links(site):
    pages = {file: Page(file) for file in site.rglob("*.html") if file.name != "404.html"}
    for file, page in pages.items():
        for link in page.links + page.loaded:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.loaded and parts.scheme != "data":
                    yield f"{file.relative_to(site)} loads {link} from a network"
                continue
            target = (file.parent / urllib.parse.unquote(parts.path)).resolve() if parts.path else file
            if not target.is_file():
                yield f"{file.relative_to(site)}: {link} leads nowhere"
            elif target in pages and urllib.parse.unquote(parts.fragment) not in pages[target].anchors:
                yield f"{file.relative_to(site)}: {link} has no such anchor"


def unanswered(site):
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for question, (place, words) in QUESTIONS.items():
            page.goto((site / "index.html").as_uri())
            page.fill(".md-search__input", question)
            page.wait_for_selector(".md-search-result__item", timeout=20000)
            page.wait_for_function("document.querySelector('.md-search-result__meta').textContent.match(/\\d|[Oo]ne/)")
            links = page.eval_on_selector_all(".md-search-result__item > a", "all => all.map(link => link.href)")[:FOUND]
            right = [link for link in links if urllib.parse.urlsplit(link).path.endswith("/" + place)]
            if not right:
                yield f"'{question}' finds {[link.rpartition('/')[2] for link in links]}, not {place}"
                continue
            page.goto(right[0])
            if words not in page.inner_text("article"):
                yield f"'{question}': {place} does not say '{words}'"
        for url in asked:
            if not url.startswith(("file:", "data:", "blob:", "about:")):
                yield f"the site asks {url} of a network"


def main():
    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder, "site")
        environment = {**os.environ, "MARGINALIA_SITE_PROGRAM": str(build / "bin/marginalia")}
        made = subprocess.run([source / "scripts/site", "release", site], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if made.returncode == 77:
            print(f"SKIPPED: {made.stdout}")
            return 77
        if made.returncode != 0:
            print(f"FAILED: the site is not built\n{made.stdout}")
            return 1
        faults = [*broken_links(site), *unanswered(site)]
        for fault in faults:
            print(f"FAILED: {fault}")
        print(f"{len(list(site.rglob('*.html')))} pages, {len(QUESTIONS)} questions, {len(faults)} faults")
        return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
