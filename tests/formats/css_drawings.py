"""Small inputs in CSS, each with what Chromium paints: `test_svg_css` reads them, and asks Chromium again.

A line begins with "+" where the rectangle is painted and with "-" where it is not. BOX stands for its start
tag.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["DRAWINGS", "Box"]

#: Left, top, right and bottom of what is painted; None where nothing is.
Box = tuple[int, int, int, int] | None

RECT = '<rect x="20" y="30" width="40" height="50"'
_BOX: Box = (20, 30, 60, 80)
#: Values of `fill`.
PAINTS = r"""
+ light-dark(red,blue)
- light-dark(transparent,blue)
+ light-dark(rgb(0, 0, 0), var(--x, #fff))
+ color-mix(in srgb, red, blue)
- color-mix(in srgb, transparent, transparent)
- color-mix(in srgb, red 0%, transparent 100%)
- color-mix(in srgb, red 0%, blue 0%)
+ color-mix(in oklch longer hue, red 20%, blue)
+ color-mix(in srgb, 30% red, transparent)
+ color-mix(red, blue)
- color-mix(in srgb, red 10%, blue 200%)
- color-mix(in srgb longer hue, red, blue)
- color-mix(in srgb, red)
+ rgb(from red r g b)
- rgb(from red r g b / 0)
- rgb(from transparent r g b)
+ rgb(from #0000 r g b / 1)
+ hsl(from red h s calc(l * .5))
- color(from red srgb r g b / calc(alpha - 1))
+ lab(from red l a b / alpha)
- oklch(from red l c h / 0%)
+ rgb(from currentcolor r g b)
+ rgb(from rgb(from transparent r g b / .5) r g b)
- rgb(0 0 0 / none)
+ rgb(0 0 0 / 50%)
- rgb(0 0 0 / 0%)
- rgba(0,0,0,0)
+ hsl(120,50%,50%)
+ hsla(120deg,50%,50%,.5)
- hsl(50%,50%,50%)
- rgba(0,0,0,0.0)
+ rgba(0 0 0)
- hsla(3,3%,3%,0)
+ hsl(.5TURN 30% 30%)
+ hwb(3 3% 3%)
- hwb(3 3% 3% / 0)
+ lab(50% 2 3)
+ lch(50 30 none)
+ oklab(.5 .1 .1)
+ oklch(50% .2 20deg)
- oklch(50% .2 20deg / 0)
+ color(srgb 1 0 0)
- color(display-p3 1 0 0 / 0)
+ color(xyz 1% 2 3)
+ color(srgb none none none)
+ #F008
- #f000
- #FF000000
+ #12345678
- transparent
- TRANSPARENT
+ WindowText
+ CanvasText
+ linktext
+ AccentColor
+ -webkit-link
+ Highlight
+ graytext
+ rebeccapurple
+ currentColor
+ CURRENTCOLOR
- context-fill
- context-stroke
- url(#missing)
- url(#missing) none
+ url(#missing) red
+ URL(#grad)
+ url(#grad
+ url( '#grad'
+ Url('#grad')
+ url( #grad )
+ url('#grad') none
+ url(#missing) currentcolor
+ url(other.svg#grad) red
- url(other.svg#grad)
+ url(#notpaint) red
- none
- None
- NONE
- inherit
- INHERIT
+ initial
- Unset
- revert
+ contrast-color(red)
- alpha(from red / 0)
+ alpha(from red / .5)
+ rgb(calc(100 + 20) 0 0)
- rgb(0 0 0 / calc(1 - 1))
- rgb(0 0 0 / min(0, 1))
+ rgb(none 0 0)
- rgb(none,0,0)
+ rgb(1% 2 3)
- rgb(1px 2 3)
+ color-mix(in srgb, light-dark(red,blue), light-dark(transparent,blue) calc(10%))
+ rgb(0 0 0 / 200%)
- rgb(0 0 0 / -1)
"""
#: Attributes of the rectangle.
DECLARATIONS = r"""
- display="none" style="display:foo"
- visibility="hidden" style="visibility:foo"
+ fill="red" style="fill:foo(1)"
- fill="none" style="fill:"
- style="fill:none;fill:#12345"
- style="fill:none;fill:rgb(1,2)"
- style="fill:none;fill:rgb(1 2 3 4)"
- style="fill:none;fill:red blue"
- style="fill:none;fill:rgb(1%,2,3)"
- style="fill-opacity:0;fill-opacity:1px"
- style="fill-opacity:0;fill-opacity:1 1"
- style="opacity:0;opacity:foo"
+ style="opacity:0;opacity:50%"
- style="opacity:1;opacity:-1"
- style="fill:none;fill:hsl(3,3,3)"
+ style="fill:none;fill:hsl(3 3 3)"
- style="fill:none;fill:url(#g) url(#f)"
- style="display:none;display:none none"
+ style="display:none;display:block flow"
- style="fill:none;fill:undefined"
+ style="fill:red;fill:none !ie"
+ style="fill:none;fill:red !important"
- style="fill:none !important;fill:red"
- style="FILL:NONE"
- style="fill:none;fill:NaN"
- style="fill:none;-webkit-fill:red"
- style="-webkit-opacity:0"
- opacity="1" style="opacity:1;-WEBKIT-OPACITY:0;-webkit-opacity:foo"
+ style="-webkit-opacity:0;opacity:1"
+ style="fill:none;fill:red;;"
+ style="fill:none;color:none;fill:currentcolor"
- style="color:transparent;color:none;fill:currentcolor"
- style="visibility:hidden;visibility:"
+ style="display:none;display:inherit"
- style="fill:none;fill:rgb(1 2 3 /)"
- style="fill:none;fill:lab(1,2,3)"
- style="fill:none;fill:device-cmyk(0 0 0 1)"
- style="fill:none;fill:color(foo 1 2 3)"
- style="fill:none;fill:color(srgb 1 2)"
- style="fill:none;fill:color()"
- style="fill:none;fill:rgb()"
- style="fill:none;fill:light-dark(red)"
- style="fill:none;fill:color-mix(in foo, red, blue)"
- style="fill:none;fill:rgb(from red r g h)"
- style="fill:none;fill:rgb(from red, r, g, b)"
- style="fill:none;fill:icc-color(x)"
- style="fill:none;fill:'red'"
+ style="fill:none;fill:red/**/"
- style="fill:none;fill:1"
- style="fill:none;fill:auto"
"""
#: Style sheets for a rectangle .p#p in a group .g#q that has no fill.
VARIABLES = r"""
+ :root{--a:red} .p{fill:var(--a)}
- :root{--A:red} .p{fill:var(--a,none)}
+ .g{--a:red} .p{fill:var(--a)}
+ .p{--a:red;fill:var(--a)} .g{--a:none}
+ .p{--a:none} #p{--a:red} .p{fill:var(--a)}
+ .p{fill:var(--a, var(--b, red))}
- .p{fill:var(--a,)}
- .p{fill:red;fill:var(--a)}
+ .g{fill:red}.p{fill:none;fill:var(--a)}
+ .p{--a:var(--b);--b:var(--a);fill:var(--a, red)}
- .p{--a:var(--a, red);fill:var(--a)}
+ .p{--a:var(--a, red);fill:var(--a,red)}
- .g{--a:red}.p{--a:var(--a);fill:var(--a)}
+ .g{--a:red}.p{--b:var(--a);fill:var(--b)}
- .g{--a:var(--b);--b:none}.p{--b:red;fill:var(--a)}
+ :root{--r:255;--g:0} .p{fill:rgb(var(--r) var(--g) 0)}
- :root{--r:255 0 0} .p{fill:rgb(var(--r) / 0)}
+ :root{--c:255, 0, 0} .p{fill:rgb(var(--c))}
- :root{--c:255, 0, 0} .p{fill:rgba(var(--c), 0)}
- .g{--a:red}.p{--a:initial;fill:var(--a, none)}
+ .g{--a:red}.p{--a:inherit;fill:var(--a, none)}
+ .g{--a:red}.p{--a:unset;fill:var(--a, none)}
+ .p{--a: red ;fill:var( --a )}
+ .p{--a:red!important}.p{--a:none;fill:var(--a)}
+ .p{--a:;fill:red;fill:var(--a) blue}
+ .p{--a:;fill:none;fill:var(--a)blue}
- .p{--d:none;display:var(--d)}
- .p{fill:red;--v:hidden;visibility:var(--v)}
- .p{fill:red;opacity:var(--o, 0)}
+ .p{fill:red;opacity:var(--o)}
- .p{fill:var(none)}
+ .p{fill:red;fill:var()}
+ .p{fill:red;fill:var(--a b)}
+ .p{fill:VAR(--a, red)}
+ .p{--a:url(#missing);fill:var(--a) red}
- .p{--a:{x:y};fill:var(--a,red)}
- .p{--a:'red';fill:red;fill:var(--a)}
+ .p{--é:red;fill:var(--é)}
+ .p{--\61:red;fill:var(--a)}
+ @property --a{syntax:'*';inherits:true;initial-value:red}.p{fill:var(--a)}
- :root{--a:light-dark(red,none)}.p{fill:var(--a)}
+ :root{--ink:#123}.p{fill:color-mix(in srgb, var(--ink), transparent 50%)}
+ *{--a:red}.p{fill:var(--a)}
- .p{all:unset;fill:red}
- .p{fill:red;all:initial}
- .p{fill:red;color:transparent;fill:currentcolor}
- .g{color:transparent}.p{fill:currentcolor}
+ .g{fill:currentcolor;color:transparent}.p{color:red}
- .g{fill:currentcolor;color:red}.p{color:transparent}
+ .g{color:transparent}.p{color:red;fill:currentcolor}
+ .g{color:transparent}.p{color:initial;fill:currentcolor}
+ .g{color:red;color:var(--no)}.p{fill:currentcolor}
"""
#: The same with at-rules.
AT_RULES = r"""
+ @media screen{.p{fill:red}}
- @media print{.p{fill:red}}
- @media (inverted-colors:none){.p{fill:red}}
+ @media (-webkit-transform-3d){.p{fill:red}}
+ @supports (-webkit-transform:rotate(1deg)){.p{fill:red}}
- @supports (-webkit-transform:rotate(1)){.p{fill:red}}
+ @supports (-webkit-appearance:none) and (-webkit-filter:none){.p{fill:red}}
+ @supports (baseline-shift:sub) and (mask-type:alpha){.p{fill:red}}
+ @media all{.p{fill:red}}
+ @media not print{.p{fill:red}}
- @media not all{.p{fill:red}}
+ @media SCREEN{.p{fill:red}}
+ @media only screen and (min-width:100px){.p{fill:red}}
- @media (min-width:99999px){.p{fill:red}}
- @media (max-width:10px){.p{fill:red}}
+ @media (max-width:99999px){.p{fill:red}}
+ @media (width>=100px){.p{fill:red}}
+ @media (100px<width<=5000px){.p{fill:red}}
- @media (prefers-color-scheme:dark){.p{fill:red}}
+ @media (prefers-color-scheme:light){.p{fill:red}}
- @media (prefers-color-scheme: no-preference){.p{fill:red}}
- @media (prefers-reduced-motion:reduce){.p{fill:red}}
+ @media print, screen{.p{fill:red}}
+ @media print, (hover){.p{fill:red}}
- @media screen and (foo){.p{fill:red}}
- @media not screen and (foo){.p{fill:red}}
- @media not (foo){.p{fill:red}}
+ @media (foo) or (hover){.p{fill:red}}
+ @media not (width<10px){.p{fill:red}}
+ @media ((hover) and (color)){.p{fill:red}}
- @media (hover) and (color) or (grid){.p{fill:red}}
+ @media screen{@media (min-width:1px){.p{fill:red}}}
- @media screen{@media print{.p{fill:red}}}
+ @media (orientation:landscape){.p{fill:red}}
- @media (orientation:portrait){.p{fill:red}}
+ @media (min-width:10em){.p{fill:red}}
+ @media (min-resolution:1dppx){.p{fill:red}}
+ @media (-webkit-min-device-pixel-ratio:1){.p{fill:red}}
+ @media (min-aspect-ratio:1/1){.p{fill:red}}
+ @media (min-aspect-ratio:3/2){.p{fill:red}}
- @media (min-aspect-ratio:2/1){.p{fill:red}}
+ @media (min-device-aspect-ratio:1/1){.p{fill:red}}
+ @media not (color-index){.p{fill:red}}
- @media (color-index){.p{fill:red}}
+ @supports (stroke-linejoin:round){.p{fill:red}}
- @supports (stroke-linejoin:blunt){.p{fill:red}}
- @media tv{.p{fill:red}}
+ @media{.p{fill:red}}
- @media (monochrome){.p{fill:red}}
- @media (width:10){.p{fill:red}}
- @media (500px > width){.p{fill:red}}
- @media (any-pointer:coarse){.p{fill:red}}
- @media speech, handheld{.p{fill:red}}
+ @media screen and (min-width:1px) and (max-width:9999px){.p{fill:red}}
+ @supports (fill:red){.p{fill:red}}
- @supports (fill:foo){.p{fill:red}}
+ @supports not (fill:foo){.p{fill:red}}
- @supports not (fill:red){.p{fill:red}}
+ @supports (display:grid) and (fill:red){.p{fill:red}}
+ @supports (fill:foo) or (r:3px){.p{fill:red}}
- @supports (foo:bar){.p{fill:red}}
+ @supports not (foo:bar){.p{fill:red}}
+ @supports (--a:b){.p{fill:red}}
+ @supports selector(a > b){.p{fill:red}}
- @supports selector(:foo){.p{fill:red}}
+ @supports (color:color-mix(in srgb,red,blue)){.p{fill:red}}
+ @supports (fill:var(--x)){.p{fill:red}}
+ @supports (d:path('M0 0')){.p{fill:red}}
+ @supports ((fill:red)){.p{fill:red}}
- @supports fill:red{.p{fill:red}}
- @supports foo(x){.p{fill:red}}
+ @supports (mix-blend-mode:multiply){.p{fill:red}}
+ @supports (fill:red) {@media screen{.p{fill:red}}}
- @supports (-moz-appearance:none){.p{fill:red}}
+ @supports (fill: red !important){.p{fill:red}}
- @supports (fill:){.p{fill:red}}
+ @supports (width:3px){.p{fill:red}}
- @supports (font-size:12){.p{fill:red}}
+ @layer a{.p{fill:red}}
+ @layer a,b;@layer b{.p{fill:red}}@layer a{#p{fill:none}}
+ @layer a{#p{fill:none}} .p{fill:red}
+ .p{fill:red}@layer a{#p{fill:none}}
+ @layer{#p{fill:none}}@layer{.p{fill:red}}
- @layer a{.p{fill:none!important}}.p{fill:red!important}
+ @layer a{@layer b{#p{fill:none}}.p{fill:red}}
+ @layer a.b{.p{fill:none}}@layer a{.p{fill:red}}
+ @layer a{.p{fill:red}}@layer a.b{#p{fill:none}}
+ @layer a{.p{fill:red}}@layer b{.p{fill:revert-layer}}
- .p{fill:revert-layer}
- @layer a{.p{fill:none}}@layer b{.p{fill:revert-layer}}
+ @import url(foo.css);.p{fill:red}
+ @import 'foo.css' layer(a);.p{fill:red}
+ @charset 'utf-8';.p{fill:red}
+ @font-face{font-family:x}.p{fill:red}
+ @keyframes x{from{fill:none}}.p{fill:red}
+ @page{margin:0}.p{fill:red}
+ @foo{.p{fill:none}}.p{fill:red}
+ @foo bar;.p{fill:red}
+ @starting-style{.p{fill:none}}.p{fill:red}
- @container (width>1px){.p{fill:red}}
+ @scope (.g){.p{fill:red}}
- @scope (.z){.p{fill:red}}
"""
#: The same with nested rules and selectors.
SELECTORS = r"""
+ .g{.p{fill:red}}
+ .g{& .p{fill:red}}
- .g{&.p{fill:red}}
+ .p{&#p{fill:red}}
+ .g{> .p{fill:red}}
- .g{+ .p{fill:red}}
+ .g{fill:none;.p{fill:red}fill:none}
+ .p{.g &{fill:red}}
+ .p{.g > &{fill:red}}
+ .a,.g{.p{fill:red}}
+ .a,.g{.b,.p{fill:red}}
+ .p{@media screen{fill:red}}
- .p{@media print{fill:red}}
+ .g{@media screen{.p{fill:red}}}
+ .g{@supports (fill:red){& > .p{fill:red}}}
+ .g{rect{fill:red}}
+ .g{rect.p{&:hover{fill:none}&:not(:hover){fill:red}}}
+ .g{.p{fill:red}} .p{fill:none}
+ #q{.p{fill:red}} .p.p{fill:none}
+ .g{:foo{fill:none}.p{fill:red}}
+ .g{.p{&{fill:red}}}
+ & .p{fill:red}
- .x{.p{fill:red}}
+ .g{.p{@layer a{fill:red}}}
+ .p{fill:red;&:nth-child(2){fill:none}}
+ svg{.g{.p{fill:red}}}
+ .g{& > &{fill:red}.p{fill:red}}
+ .p{&&{fill:red}}.p{fill:none}
+ .g{:is(.p,.z){fill:red}}
- .g{.p,:foo{fill:red}}
+ :is(.p,.z){fill:red}
+ :is(.g .p){fill:red}
+ :is(:foo,.p){fill:red}
+ :where(.p){fill:red}
+ :where(#p){fill:none} .p{fill:red}
+ .p{fill:red} :where(#p){fill:none}
+ :is(#z,.p){fill:red} .p{fill:none}
+ :not(.z).p{fill:red}
- .p:not(.p){fill:red}
- .p:not(.g .p){fill:red}
- .p:not(:foo){fill:red}
+ .p:not(.a, .b){fill:red}
- :is(){fill:red}
+ .g:has(.p) .p{fill:red}
- .g:has(> .z) .p{fill:red}
+ svg:has(#p) .p{fill:red}
- .p:has(+ .z){fill:red}
- :matches(.p){fill:red}
- .p:hover{fill:red}
+ .p:not(:hover){fill:red}
- .p:link{fill:red}
- .p:foo{fill:red}
- .p,:foo{fill:red}
+ .p,.z::before{fill:red}
+ .p,.z::-webkit-foo{fill:red}
- .p,.z::foo{fill:red}
- .p::before{fill:red}
- .p:root{fill:red}
+ :root .p{fill:red}
+ :scope .p{fill:red}
+ .p:first-child{fill:red}
+ .p:only-child{fill:red}
+ .p:last-of-type{fill:red}
+ .p:only-of-type{fill:red}
+ .p:empty{fill:red}
- .g:empty .p{fill:red}
+ .p:nth-child(1){fill:red}
+ .p:nth-child(odd){fill:red}
- .p:nth-child(2n){fill:red}
+ .p:nth-last-child(-n+1){fill:red}
+ .p:nth-of-type(n){fill:red}
+ .p:nth-child(1 of .p){fill:red}
- .p:nth-child(1 of .z){fill:red}
- .p:nth-child(foo){fill:red}
+ .p:NTH-CHILD(1){fill:red}
- .p:lang(en){fill:red}
+ .p:defined{fill:red}
- .p:target{fill:red}
- .p:enabled{fill:red}
- .p:visited{fill:red}
+ [id]{fill:red}
+ [id=p]{fill:red}
+ [id='p']{fill:red}
- [id=P]{fill:red}
+ [id=P i]{fill:red}
+ [class~=p]{fill:red}
+ [id^=p]{fill:red}
+ [width$='0']{fill:red}
+ [width*='4']{fill:red}
+ [class|=p]{fill:red}
- [foo]{fill:red}
+ [fill=none] .p{fill:red}
+ rect[x='20']{fill:red}
- .p[x=20]{fill:red}
+ @namespace svg url(http://www.w3.org/2000/svg);svg|rect{fill:red}
+ @namespace svg 'http://www.w3.org/2000/svg';svg|*{fill:red}
+ @namespace url(http://www.w3.org/2000/svg);rect{fill:red}
- @namespace 'http://www.w3.org/1999/xhtml';rect{fill:red}
- @namespace h 'http://www.w3.org/1999/xhtml';h|rect{fill:red}
+ *|rect{fill:red}
- |rect{fill:red}
- foo|rect{fill:red}
+ *|*.p{fill:red}
+ @namespace xlink 'http://www.w3.org/1999/xlink';:not([xlink|href]).p{fill:red}
+ @namespace 'http://www.w3.org/1999/xhtml';*|rect{fill:red}
+ <!-- .p{fill:red} -->
+ .p{fill:red
- }.p{fill:red}
+ .p{fill:red}}
+ .p{fill:red;}/* x
+ /* */.p/* */{/* */fill/* */:/* */red}
+ .p{fill:red !IMPORTANT}.p{fill:none}
+ .p{fill : red}
- RECT{fill:red}
- .P{fill:red}
- #P{fill:red}
+ .p.p{fill:red}
+ g rect{fill:red}
+ g>rect{fill:red}
+ svg rect{fill:red}
- g+rect{fill:red}
+ *{fill:red}
- \.p{fill:red}
+ .\70{fill:red}
+ .p{\66ill:red}
+ .p{fill:\72 ed}
"""
#: Whole drawings.
KEYWORDS = r"""
+ <style>.l:lang(en){fill:red}</style><g lang="en-GB" fill="none">BOX class="l"/></g>
- <style>.l:lang(en){fill:red}</style><g lang="eng" fill="none">BOX class="l"/></g>
- BOX display="NONE"/>
- BOX visibility="HIDDEN"/>
- BOX visibility="Collapse"/>
+ <g fill="none">BOX fill="RED"/></g>
- <g fill="none">BOX fill="INHERIT"/></g>
+ <g fill="none">BOX fill="Initial"/></g>
- BOX style="DISPLAY:None"/>
+ <g visibility="hidden">BOX visibility="VISIBLE"/></g>
- BOX fill="RGB(0 0 0 / 0)"/>
- BOX fill="Transparent"/>
- <rect Width="20" height="20"/>
- <RECT width="20" height="20"/>
- <style xmlns="http://www.w3.org/1999/xhtml">rect{fill:none}</style>BOX/>
- <h:style xmlns:h="http://www.w3.org/1999/xhtml">rect{fill:none}</h:style>BOX/>
- <foreignObject><style xmlns="http://www.w3.org/1999/xhtml">rect{fill:none}</style></foreignObject>BOX/>
+ <style xmlns="http://example.org">rect{fill:none}</style>BOX/>
- <style TYPE="text/css">rect{fill:none}</style>BOX/>
- <style type="TEXT/CSS">rect{fill:none}</style>BOX/>
+ <style type="text/foo">rect{fill:none}</style>BOX/>
+ <style type="text/css; charset=utf-8">rect{fill:none}</style>BOX/>
+ <style media="PRINT">rect{fill:none}</style>BOX/>
- <style media="(min-width:1px)">rect{fill:none}</style>BOX/>
+ <style media="screen and (max-width:1px)">rect{fill:none}</style>BOX/>
- BOX style="fill:NONE"/>
- BOX fill="/* a */none"/>
- BOX fill="none/* a"/>
+ BOX fill="none !important"/>
- BOX opacity="0E0"/>
- BOX fill-opacity="0%"/>
- BOX fill-opacity="calc(1 - 1)"/>
- BOX opacity="-5"/>
- BOX style="display:contents"/>
+ <g style="display:contents" opacity="0" transform="translate(50)">BOX/></g>
- <g style="display:contents;fill:none">BOX/></g>
- <g opacity="0"><g style="opacity:inherit">BOX/></g></g>
- <g style="display:none"><g style="display:inherit">BOX/></g></g>
- <defs>BOX id="p" fill="context-fill"/></defs><use href="#p" fill="none"/>
+ <defs>BOX id="p" fill="context-fill"/></defs><use href="#p"/>
- <defs>BOX id="p" fill="context-stroke"/></defs><use href="#p"/>
+ <defs><g id="p" fill="none">BOX fill="var(--f)"/></g></defs><use href="#p" style="--f:red"/>
- <defs><g id="p" fill="none">BOX fill="var(--f)"/></g></defs><use href="#p" style="--f:none"/>
+ BOX style="content-visibility:hidden"/>
- BOX style="fill:\6eone"/>
+ BOX style="fill:no\6ee"/>
+ BOX style="{fill:none}"/>
- BOX style="fill:none;rect{fill:red}"/>
+ BOX style="@media screen{fill:none}"/>
- BOX style="fill/**/:none"/>
+ BOX style="fill=none"/>
+ BOX style="fill:red;fill;none"/>
- BOX style="a:b;fill:none"/>
+ BOX style="color:rgb(;fill:none"/>
- BOX style=";;fill:none;"/>
- BOX style="$x:1;fill:none"/>
"""
#: Whole drawings, with the box that is painted.
GEOMETRY: list[tuple[str, Box]] = [
    ('<circle style="cx:100px;cy:100px;r:30px"/>', (70, 70, 130, 130)),
    ('<circle cx="100" cy="100" r="10" style="r:30"/>', (70, 70, 130, 130)),
    ('<circle cx="100" cy="100" r="10" style="r:-3px"/>', (90, 90, 110, 110)),
    ('<circle cx="100" cy="100" style="r:calc(10px + 5%)"/>', (80, 80, 120, 120)),
    ('<circle cx="50%" cy="50%" r="10%"/>', (80, 80, 120, 120)),
    ('<circle cx="100" cy="100" style="r:10mm"/>', (62, 62, 138, 138)),
    ('<circle cx="100" cy="100" style="r:1IN"/>', (4, 4, 196, 196)),
    ('<circle cx="100" cy="100" style="R:30PX"/>', (70, 70, 130, 130)),
    ('<circle cx="100" cy="100" style="r:min(30px,50%)"/>', (70, 70, 130, 130)),
    ('<circle cx="100" cy="100" style="r:clamp(10px,5%,40px)"/>', (90, 90, 110, 110)),
    ('<circle cx="100" cy="100" r="max(3,20)"/>', (80, 80, 120, 120)),
    ('<circle cx="100" cy="100" r="calc(3 * 10)"/>', (70, 70, 130, 130)),
    ('<rect width="60" height="50" style="transform:rotate(1e400deg)"/>', (0, 0, 60, 50)),
    ('<rect width="60" height="50" style="transform:skewX(-1e308rad)"/>', (0, 0, 60, 50)),
    ('<rect width="60" height="50" style="transform:rotate3d(1,1,0,1e400turn)"/>', (0, 0, 60, 50)),
    ('<rect width="60" height="50" style="rotate:calc(infinity * 1deg)"/>', (0, 0, 60, 50)),
    ('<rect height="50" style="width:calc(round(7px, 2px) * 4 + 28px)"/>', (0, 0, 60, 50)),
    ('<rect height="50" width="60" style="width:calc((10px)+(20px))"/>', (0, 0, 60, 50)),
    ("""<path style="d:path(/* a */ 'M0 0H60V50H0Z' /* b */)"/>""", (0, 0, 60, 50)),
    ('<circle cx="100" cy="100" r="10" style="r:foo"/>', (90, 90, 110, 110)),
    ('<circle cx="100" cy="100" r="10" style="r:auto"/>', (90, 90, 110, 110)),
    ('<rect width="10" height="10" style="x:30px;y:40px;width:50px;height:60px"/>', (30, 40, 80, 100)),
    ('<rect width="10" height="10" style="width:50%;height:auto"/>', None),
    ('<rect width="30" height="10" style="width:auto"/>', None),
    ('<rect width="10" height="10" style="width:60"/>', (0, 0, 60, 10)),
    ('<rect x="50" y="50" width="40" height="40" style="rx:20px"/>', (50, 50, 90, 90)),
    ('<rect width="10" height="10" style="width:-5px"/>', (0, 0, 10, 10)),
    ('<rect width="10" height="10" style="width:calc(-5px)"/>', None),
    ('<rect x="10" y="10" width="calc(50% - 10px)" height="2em"/>', (10, 10, 100, 42)),
    ('<rect width="2EM" height="2Em"/>', (0, 0, 32, 32)),
    ('<rect width="2em" height="20" font-size="30"/>', (0, 0, 60, 20)),
    ('<rect width="2em" height="20" style="font-size:30px"/>', (0, 0, 60, 20)),
    ('<rect width="2em" height="20" style="font-size:30"/>', (0, 0, 60, 20)),
    ('<g style="font-size:30"><rect width="2em" height="20"/></g>', (0, 0, 60, 20)),
    ('<g font-size="x-large"><rect width="2em" height="20"/></g>', (0, 0, 48, 20)),
    ('<g font-size="LARGER"><rect width="2em" height="20"/></g>', (0, 0, 39, 20)),
    ('<g font-size="20"><g font-size="150%"><rect width="2em" height="20"/></g></g>', (0, 0, 60, 20)),
    ('<g font-size="20"><g font-size="1.5em"><rect width="2em" height="20"/></g></g>', (0, 0, 60, 20)),
    ('<g font-size="20"><g font-size="smaller"><rect width="6em" height="20"/></g></g>', (0, 0, 100, 20)),
    ('<g font-size="xx-small"><rect width="10em" height="20"/></g>', (0, 0, 90, 20)),
    ('<g font-size="40"><rect width="2rem" height="20"/></g>', (0, 0, 32, 20)),
    ('<g font-size="20"><rect width="4ic" height="20"/></g>', (0, 0, 80, 20)),
    ('<g style="font:italic bold 30px/2 serif"><rect width="2em" height="20"/></g>', (0, 0, 60, 20)),
    ('<g style="font:30px"><rect width="2em" height="20"/></g>', (0, 0, 32, 20)),
    ('<g style="font:x-large serif"><rect width="2em" height="20"/></g>', (0, 0, 48, 20)),
    ('<g style="font:2em/1 a, b"><rect width="2em" height="20"/></g>', (0, 0, 64, 20)),
    ('<g font="30px serif"><rect width="2em" height="20"/></g>', (0, 0, 32, 20)),
    ('<g style="font-size:calc(1em + 4px)"><rect width="2em" height="20"/></g>', (0, 0, 40, 20)),
    ('<g style="font-size:0"><rect width="2em" height="20"/><rect width="5" height="5"/></g>', (0, 0, 5, 5)),
    ('<g style="font-size:-3px"><rect width="2em" height="20"/></g>', (0, 0, 32, 20)),
    ('<g font-size="-3"><rect width="2em" height="20"/></g>', (0, 0, 32, 20)),
    ('<g font-size="medium"><rect width="2em" height="20"/></g>', (0, 0, 32, 20)),
    ('<g font-size="inherit"><rect width="2em" height="20"/></g>', (0, 0, 32, 20)),
    ('<g font-size="30"><g font-size="initial"><rect width="2em" height="20"/></g></g>', (0, 0, 32, 20)),
    ('<g font-size="30"><g style="font:inherit"><rect width="2em" height="20"/></g></g>', (0, 0, 60, 20)),
    ('<ellipse cx="100" cy="100" rx="10" ry="10" style="rx:40px;ry:20px"/>', (60, 80, 140, 120)),
    ('<ellipse cx="100" cy="100" ry="10" style="rx:auto"/>', (90, 90, 110, 110)),
    ("<path style=\"d:path('M20 20h50v50z')\"/>", (20, 20, 70, 70)),
    ('<path d="M0 0h9v9z" style="d:path(&quot;M20 20h50v50z&quot;)"/>', (20, 20, 70, 70)),
    ('<path d="M0 0h9v9z" style="d:path(\'M20 20h50v\')"/>', (0, 0, 9, 9)),
    ('<path d="M0 0h9v9z" style="d:none"/>', None),
    ('<path d="M0 0h9v9z" style="d:path(\'\')"/>', None),
    ('<path d="M0 0h9v9z" style="d:foo"/>', (0, 0, 9, 9)),
    ('<path d="M0 0h9v9z" style="D:PATH(\'M20 20h50v50z\')"/>', (20, 20, 70, 70)),
    ('<path d="M0 0h9v9z" style="d:initial"/>', None),
    ('<path d="M0 0h9v9z" style="d:M20 20h50v50z"/>', (0, 0, 9, 9)),
    ("<path d=\"path('M20 20h50v50z')\"/>", None),
    ('<path d="none"/>', None),
    ('<path d="M0 0h9v9z" style="d:var(--d)"/>', None),
    ('<path d="M0 0h9v9z" style="--d:path(\'M20 20h50v50z\');d:var(--d)"/>', (20, 20, 70, 70)),
    ('<path d="M0 0h9v9z" style="d:path(evenodd, \'M20 20h50v50z\')"/>', (0, 0, 9, 9)),
    ('<path d="m20 20H70V70Z"/>', (20, 20, 70, 70)),
    ('<path d="M20 20 h 50PX v50z"/>', None),
    ('<path d="M0 0h9v9z" style="d:revert-layer"/>', (0, 0, 9, 9)),
    ('<defs><path id="p" d="M0 0h20v20z"/></defs><use href="#p" style="x:50px;y:30px"/>', (50, 30, 70, 50)),
    ('<defs><path id="p" d="M0 0h20v20z"/></defs><use href="#p" x="5" style="x:50"/>', (50, 0, 70, 20)),
    (
        '<svg x="1cm" y="10PT" width="50%" height="50"><rect width="100%" height="100%"/></svg>',
        (37, 13, 138, 64),
    ),
    ('<polygon points="10,10 50,10 50,50" style="points:0"/>', (10, 10, 50, 50)),
    ('<g style="r:30px"><circle cx="100" cy="100" style="r:inherit"/></g>', (70, 70, 130, 130)),
    ('<circle cx="100" cy="100" r="10" style="r:unset"/>', None),
    ('<circle cx="100" cy="100" r="10" style="r:revert-layer"/>', (90, 90, 110, 110)),
    ('<circle cx="100" cy="100" r="10" style="r:var(--none)"/>', None),
    ('<g style="--r:30px"><circle cx="100" cy="100" r="var(--r)"/></g>', (70, 70, 130, 130)),
    ('<circle cx="100" cy="100" r="10" style="all:unset"/>', None),
    ('<rect width="20PX" height="5Mm"/>', (0, 0, 20, 19)),
    ('<rect width="1IN" height="1Pc"/>', (0, 0, 96, 16)),
    ('<rect width="10Pt" height="40Q"/>', (0, 0, 14, 38)),
    ('<rect width="20" height="20" FILL="none"/>', (0, 0, 20, 20)),
    ('<rect height="50" style="width:var(--w, 100px)"/>', (0, 0, 100, 50)),
    ('<rect height="50" style="--w:60;width:calc(var(--w) * 1px)"/>', (0, 0, 60, 50)),
    ('<rect height="50" style="width:calc(var(--w, 10px) * 3)"/>', (0, 0, 30, 50)),
    ('<rect height="50" width="5" style="width:var(--w)"/>', None),
]
#: Selectors of siblings, a rectangle and a circle in turn, with the box around those that match.
PLACES: list[tuple[str, Box]] = [
    ("rect:nth-child(3)", (30, 20, 38, 28)),
    ("rect:nth-child(2n+1)", (10, 20, 98, 28)),
    ("rect:nth-child(-n+3)", (10, 20, 38, 28)),
    ("rect:nth-last-child(2)", None),
    ("rect:nth-of-type(2)", (30, 20, 38, 28)),
    ("circle:nth-of-type(2)", (40, 46, 48, 54)),
    ("circle:nth-last-of-type(1)", (80, 46, 88, 54)),
    ("rect:first-of-type", (10, 20, 18, 28)),
    ("circle:first-of-type", (20, 46, 28, 54)),
    ("circle:last-of-type", (80, 46, 88, 54)),
    ("rect:last-of-type", (90, 20, 98, 28)),
    ("*:nth-child(even of .c1)", (40, 46, 48, 54)),
    ("*:nth-last-child(1 of .c2)", (80, 46, 88, 54)),
    (":nth-child(n+4):nth-child(-n+6)", (40, 20, 68, 54)),
    ("rect:nth-child(3n-1)", (50, 20, 58, 28)),
    ("rect:not(:nth-child(3))", (10, 20, 98, 28)),
    (":is(:nth-of-type(2),:nth-child(1))", (10, 20, 48, 54)),
    ("rect:nth-child(-2n+5)", (10, 20, 58, 28)),
    ("rect:nth-of-type(0n+3)", (50, 20, 58, 28)),
    ("rect:nth-child( + 3n - 2 )", None),
    ("rect + circle", (20, 46, 88, 54)),
    ("rect ~ circle", (20, 46, 88, 54)),
    ("circle:has(+ rect.c0)", (20, 46, 88, 54)),
    ("rect:has(~ circle.c2)", (10, 20, 78, 28)),
    ("rect:nth-child(2n + 1 of rect)", (10, 20, 98, 28)),
]
_GRADIENT = (
    '<linearGradient id="grad"><stop offset="0"/><stop offset="1" stop-color="red"/></linearGradient>'
    '<rect id="notpaint"/>'
)
_SIBLINGS = "".join(
    f'<{"rect" if i % 2 else "circle"} class="c{i % 3}" x="{10 * i}" y="20" width="8" height="8"'
    f' cx="{10 * i + 4}" cy="50" r="4"/>'
    for i in range(1, 10)
)


def _lines(text: str) -> Iterator[tuple[str, Box]]:
    for line in filter(None, text.splitlines()):
        yield line[2:], _BOX if line[0] == "+" else None


def _sheet(css: str, body: str) -> str:
    return f"<style><![CDATA[{css}]]></style>{body}"


def _drawings() -> Iterator[tuple[str, Box]]:
    for value, box in _lines(PAINTS):
        for attribute in (f'fill="{value}"', f'style="fill: {value}"'):
            yield f'{_GRADIENT}<g fill="none">{RECT} {attribute}/></g>', box
    for attributes, box in _lines(DECLARATIONS):
        yield f"{RECT} {attributes}/>", box
    for css, box in _lines(VARIABLES + AT_RULES + SELECTORS):
        yield _sheet(css, f'<g class="g" id="q" fill="none">{RECT} class="p" id="p"/></g>'), box
    for body, box in _lines(KEYWORDS):
        yield body.replace("BOX", RECT), box
    yield from GEOMETRY
    for selector, box in PLACES:
        css = f"g * {{ display: none }} g :is({selector}) {{ display: inline }}"
        yield _sheet(css, f"<g>{_SIBLINGS}</g>"), box


#: The insides of `svg` elements of 200 by 200, with the box that is painted.
DRAWINGS: list[tuple[str, Box]] = list(_drawings())
