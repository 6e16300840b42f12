"""What diffusers' prompt_clean (Wan) makes of texts: python exporter/oracle/clean_text.py > test/runtime/fixtures/clean-text.json

Needs diffusers and ftfy. Texts with mojibake are left out: see gpu-container/runtime/clean-text.ts.
"""

import json
import sys

import diffusers
import ftfy
from diffusers.pipelines.wan.pipeline_wan import prompt_clean

TEXTS = [
    "a red circle",
    "  leading and trailing \t\n spaces  ",
    "two\r\nlines\rand\u2028more\u2029and\u0085next",
    "a cat &amp; a dog",
    "a cat &amp;amp; a dog",
    "a cat &amp;amp;amp; a dog",
    "&lt;b&gt;bold&lt;/b&gt; &copy; &eacute;t&eacute;",
    "tag <b>kept</b> &amp; entity",
    "no semicolon &amp dog &copy2026 &eacutete",
    "&#233;&#xe9;&#x1F600;&#128512;",
    "&notanentity; &;&#;",
    "\u201cquoted\u201d and \u2018single\u2019 \u201alow\u201b \u02bc",
    "the lake\u2019s sunrise",
    "\ufb01n \ufb02ow o\ufb03ce \ufb00 \ufb04 \ufb05 \ufb06",
    "\u0132 \u0133 \u0149 \u01c4 \u01c5 \u01c6 \u01f1",
    "\uff26\uff35\uff2c\uff2c\u3000\uff57\uff49\uff44\uff45 \uff76\uff9e\uff97\uff7d",
    "\u001b[31mred\u001b[0m text",
    "control\u0000\u0001\u0008\u000b\u000e\u001f\u007fchars",
    "joiners \u200d\u200c kept, bom \ufeff gone, object \ufffc gone",
    "cafe\u0301 nai\u0308ve",
    "\u1112\u1161\u11ab\u1100\u1173\u11af",
    "一只猫在河边喝水，夕阳西下。",
    "кошка пьёт воду",
    "emoji 😀 👩\u200d🚀 🇩🇪",
    "no\u00a0break\u2003em\u2009thin space",
    "tab\tand\x0cform feed",
    "micro \u00b5 and super \u00b2 stay",
    "soft\u00adhyphen",
    "",
    "   ",
    "a" * 300,
    "100% \"straight\" 'quotes' -- dashes – — …",
]

json.dump(
    {
        "versions": {"diffusers": diffusers.__version__, "ftfy": ftfy.__version__},
        "cases": [{"text": text, "cleaned": prompt_clean(text)} for text in TEXTS],
    },
    sys.stdout,
    indent=1,
)
print()
