"""The page: a form, the policies side by side, the picture, and what of it was measured. Pure; no scripts.

It needs nothing from elsewhere, so that it is shown whatever is between it and its reader.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from . import picture, question, words
from .question import Number
from .replayed import Kind, Replay, Row

STYLE = """
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5b6470;--paper:#fff;--line:#dde1e6;--field:#f6f7f9;--brand:#1f6f5c;
--area:#b9ddd2;--other:#cfd6df;--was:#8a4b12;--bad:#b3261e;--good:#1b6e3c;--unknown:#eceef1}
@media (prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#a3adb8;--paper:#16191c;--line:#353b42;--field:#1f2428;
--brand:#6cc5ae;--area:#22564a;--other:#3a434d;--was:#f0a35e;--bad:#ff8a80;--good:#7bd19a;--unknown:#23282d}}
*{box-sizing:border-box}
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1,p,li{overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem}
h2{font-size:1.125rem;margin:2rem 0 .5rem}
p,ul{margin:0 0 1rem;max-width:46rem}
.soft,caption,figcaption{color:var(--soft)}
.summary{font-size:1.125rem}
form{border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1rem 0}
.fields{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.75rem}
fieldset{border:0;margin:1.25rem 0 0;padding:0}
legend{padding:0 0 .25rem;font-weight:600}
::placeholder{color:var(--soft);opacity:1}
label{display:grid;align-content:end;gap:.125rem;font-size:.875rem;color:var(--soft)}
input,select,button{font:inherit;min-width:0;min-height:2.75rem;padding:.25rem .625rem;border-radius:.375rem;
border:1px solid var(--soft);color:var(--ink);background:var(--field)}
button{margin-top:1rem;padding:.25rem 1.5rem;border-color:var(--brand);background:var(--brand);color:var(--paper);
font-weight:600;cursor:pointer}
summary{min-height:2.75rem;padding:.5rem 0;cursor:pointer;font-weight:600}
:focus-visible{outline:3px solid var(--brand);outline-offset:2px}
table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
caption{text-align:left;padding-bottom:.5rem;font-size:.875rem}
th,td{padding:.5rem .75rem .5rem 0;text-align:right;vertical-align:top;border-bottom:1px solid var(--line)}
th:first-child{text-align:left;font-weight:600}
thead th{font-size:.875rem;color:var(--soft);vertical-align:bottom}
.broken{color:var(--bad);font-weight:600}
.kept,.saved{color:var(--good)}
figure{margin:0}
svg{display:block;width:100%;height:auto}
text{font-size:13px;fill:var(--soft)}
.name{font-weight:600;fill:var(--ink)}
.end{text-anchor:end}
.middle{text-anchor:middle}
.grid{stroke:var(--line)}
.arrived{fill:var(--other)}
.pods{fill:var(--other)}
.pods.ours{fill:var(--area)}
.as-was{fill:none;stroke:var(--was);stroke-width:1.5}
.late{fill:var(--bad)}
.unknown{fill:var(--unknown)}
@media (max-width:60rem){text{font-size:17px}}
@media (max-width:40rem){
text{font-size:25px}
main{padding:1rem .875rem 2rem}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{display:grid;grid-template-columns:repeat(auto-fit,minmax(14rem,1fr));gap:0 1.5rem;
padding:.625rem 0;border-bottom:1px solid var(--line)}
th,td{display:flex;justify-content:space-between;gap:.5rem;padding:.125rem 0;border:0}
tbody th{grid-column:1/-1}
td::before{content:attr(data-of);color:var(--soft)}
}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept",
    "Server": "rooftree",
}
_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{content}
</main>
</body>
</html>
"""
COLUMNS = ("Core-hours", "Against as it was", "Late requests", "Objective", "Worst minute", "Changes", "Most pods")


def found(replay: Replay, given: Mapping[str, str], modules: Sequence[str]) -> bytes:
    """The page with the replay; `given` are the parameters as they came, `modules` those that may be chosen."""
    asked, span = replay.question, replay.trace.span
    title = f"Counterfactual replay: {asked.tenant}"
    begun = words.clock(span.begun + span.warm_up)
    notes = "".join(f"<li>{escape(one)}</li>" for one in words.notes(replay))
    content = f"""<h1>{escape(title)}</h1>
<p class="soft">{escape(asked.module)}, {begun} to {words.clock(span.until)} UTC</p>
<p class="summary">{escape(words.summary(replay))}</p>
<details><summary>Other hours and settings</summary>{_form(given, modules)}</details>
{_table(replay)}
<h2>Over time</h2>
<figure>{picture.drawn(replay)}
<figcaption>Areas are pods, ours in green; the line is how many there were; red below a strip: in that minute
more requests were late than may be; grey all over: not measured. What reaches the top of a strip may be
more.</figcaption></figure>
<h2>What this rests on</h2>
<ul>{notes}</ul>"""
    return _document(title, content)


def refused(title: str, detail: str, given: Mapping[str, str]) -> bytes:
    """Why there is no replay, and the form to ask again."""
    content = f'<h1>{escape(title)}</h1>\n<p role="alert">{escape(detail)}</p>\n{_form(given, ())}'
    return _document(title, content)


def _document(title: str, content: str) -> bytes:
    return _DOCUMENT.format(title=escape(title), style=STYLE, content=content).encode()


def _table(replay: Replay) -> str:
    head = "".join(f'<th scope="col" role="columnheader">{one}</th>' for one in ("Policy", *COLUMNS))
    body = "".join(_row(row, replay) for row in replay.rows)
    span = replay.trace.span
    caption = f"{replay.seconds:,} of {span.seconds - span.warm_up:,} seconds were measured and count."
    # Said once more, as what is no table to the eye any more, on a small screen, is none to some readers either.
    return (
        f'<table role="table"><caption>{caption}</caption><thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )


def _row(row: Row, replay: Replay) -> str:
    cells = "".join(
        f'<td role="cell" data-of="{name}"><span class="{look}">{escape(text)}</span></td>'
        for name, (text, look) in zip(COLUMNS, _cells(row, replay), strict=True)
    )
    return f'<tr role="row"><th scope="row" role="rowheader">{escape(row.name)}</th>{cells}</tr>'


def _cells(row: Row, replay: Replay) -> Iterator[tuple[str, str]]:
    """Texts with their classes."""
    is_cheaper = round(replay.was.core_hours - row.core_hours, 2) > 0
    yield words.hours(row.core_hours), ""
    yield ("", "") if row.kind is Kind.WAS else (words.change(row, replay.was), "saved" if is_cheaper else "")
    yield f"{row.late:,.0f} ({words.percent(row.late_share)})", ""
    kept = "kept" if replay.keeps(row) else "broken"
    # The bound is where the objective is only just kept.
    yield ("", "") if row.kind is Kind.BOUND else (kept, kept)
    yield words.percent(row.worst), ""
    yield str(row.changes), ""
    yield str(row.most), ""


def _form(given: Mapping[str, str], modules: Sequence[str]) -> str:
    """A GET to where the page is, whatever its path."""
    whose = [
        _field("tenant", "Tenant's id", given, "acme-0a1b2c3d"),
        _modules(given, modules),
        *_numbers((question.HOURS,), given),
        '<label>Until (UTC; empty: now)<input type="datetime-local" name="until" '
        f'value="{escape(given.get("until", ""), quote=True)}"></label>',
    ]
    others = [_field(question.TARGETS.name, question.TARGETS.label, given, "50 70 80")]
    groups = {
        "Pods, for all policies": _numbers((question.FLOOR, question.CEILING, question.START), given),
        "Ours, as asked": _numbers((question.OBJECTIVE, question.MARGIN, question.WINDOW), given),
        "Others": others + _numbers((question.KEDA, question.KPA), given),
    }
    sets = "".join(
        f'<fieldset><legend>{legend}</legend><div class="fields">{"".join(fields)}</div></fieldset>'
        for legend, fields in groups.items()
    )
    return f'<form method="get"><div class="fields">{"".join(whose)}</div>{sets}<button>Replay</button></form>'


def _modules(given: Mapping[str, str], modules: Sequence[str]) -> str:
    """A choice where it is known what there is."""
    chosen = given.get("module", "")
    if len(modules) < 2:
        return _field("module", "Module (empty: all, or the entrance)", given, question.APP)
    options = "".join(
        f"<option{' selected' if one == (chosen or question.APP) else ''}>{escape(one)}</option>" for one in modules
    )
    return f'<label>Module<select name="module">{options}</select></label>'


def _numbers(every: Sequence[Number], given: Mapping[str, str]) -> list[str]:
    """Their limits are said by the server, too: a browser's own words depend on it."""
    found: list[str] = []
    for one in every:
        usual = "the plan's" if one.usual is None else f"{one.usual:g}"
        label = f"{one.label} ({one.least:g} to {one.most:g})"
        found.append(_field(one.name, label, given, usual, "numeric" if one.whole else "decimal"))
    return found


def _field(name: str, label: str, given: Mapping[str, str], hint: str, mode: str = "text") -> str:
    """`mode`: which keys a telephone shows."""
    value, hint = (escape(text, quote=True) for text in (given.get(name, ""), hint))
    return (
        f'<label>{escape(label)}<input name="{name}" value="{value}" placeholder="{hint}" inputmode="{mode}" '
        'autocomplete="off"></label>'
    )
