/** The report's style: one sheet, no font or image from elsewhere, readable at 390 px and on paper, light and dark. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfaf7; --card: #ffffff; --ink: #1d2327; --soft: #5d676e; --line: #dcdcd5; --accent: #1f5f8b;
  --held: #d3ead9; --held-ink: #14532d; --fail-safe: #fdeabd; --fail-safe-ink: #6b4a00;
  --idle: #e6e6e2; --idle-ink: #565c60; --failed: #c62828; --failed-ink: #ffffff;
  --broken: #6a3fa0; --broken-ink: #ffffff; --bar: #4f87ad; --bar-soft: #c4d8e5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181b; --card: #1c2226; --ink: #e4e7e8; --soft: #9aa5ab; --line: #343c41; --accent: #7db7de;
    --held: #1d4a31; --held-ink: #c9efd6; --fail-safe: #58430f; --fail-safe-ink: #fbe3a8;
    --idle: #31383d; --idle-ink: #b4bdc2; --failed: #e0524d; --failed-ink: #1b0605;
    --broken: #a37fd6; --broken-ink: #150a24; --bar: #6fa8cf; --bar-soft: #2c4456;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 1.05rem; font-weight: 600; color: var(--soft); margin: 0 0 6px; }
h2 { font-size: 1.2rem; margin: 0 0 4px; }
h3 { font-size: 1rem; margin: 20px 0 4px; }
p { margin: 6px 0; max-width: 72ch; }
.soft { color: var(--soft); }
.verdict { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin: 0 0 8px; max-width: 34ch; }
.verdict.good::before { content: "✓ "; color: #2e8b57; }
.verdict.bad::before { content: "✗ "; color: var(--failed); }
.verdict.cut::before { content: "… "; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 18px 0 0; padding: 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; }
.tile b { display: block; font-size: 1.3rem; line-height: 1.25; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 18px 20px; margin-top: 18px; }
sup { line-height: 0; font-size: .75em; }
.scroll { overflow-x: auto; margin-top: 10px; }
table { border-collapse: collapse; font-size: .86rem; font-variant-numeric: tabular-nums; }
th { font-weight: 550; text-align: left; }
.plain td, .plain th { padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.plain .number { text-align: right; white-space: nowrap; }
.plain tr.own { background: color-mix(in srgb, var(--bar-soft) 45%, transparent); }
.plain tr.own td:first-child, .plain tr.own th:first-child { font-weight: 650; }
.matrix { border-collapse: separate; border-spacing: 2px; }
.matrix thead th { vertical-align: bottom; padding: 2px 0 4px; font-weight: 450; color: var(--soft); }
.matrix thead th span { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; display: inline-block; }
.matrix tbody th { position: sticky; left: 0; background: var(--card); padding: 2px 10px 2px 0; white-space: nowrap; z-index: 1; }
.matrix td { min-width: 30px; height: 26px; padding: 0 4px; text-align: center; border-radius: 4px; font-size: .78rem; white-space: nowrap; }
.matrix td.total { min-width: 52px; text-align: right; color: var(--soft); }
.held { background: var(--held); color: var(--held-ink); }
.fail-safe { background: var(--fail-safe); color: var(--fail-safe-ink); }
.idle { background: var(--idle); color: var(--idle-ink); }
.failed { background: var(--failed); color: var(--failed-ink); font-weight: 700; }
.broken { background: var(--broken); color: var(--broken-ink); font-weight: 700; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 16px; font-size: .85rem; color: var(--soft); margin-top: 12px; padding: 0; list-style: none; }
.legend i { display: inline-block; width: 14px; height: 14px; border-radius: 4px; vertical-align: -2px; margin-right: 6px; }
.pair { display: grid; grid-template-columns: 1fr; gap: 8px 36px; }
@media (min-width: 900px) { .pair { grid-template-columns: 1fr 1fr; } }
.strip { display: grid; grid-template-columns: 10em 1fr 7.4em; gap: 0 10px; align-items: center; font-size: .8rem; }
.strip svg { display: block; width: 100%; height: 22px; border-bottom: 1px solid var(--line); overflow: visible; }
.strip .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.strip .figures { text-align: right; color: var(--soft); font-variant-numeric: tabular-nums; white-space: nowrap; }
.strip .axis { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; }
svg .bar { fill: var(--bar); }
.lanes { position: relative; margin-top: 14px; font-size: .8rem; }
.lane { position: relative; min-height: 24px; border-bottom: 1px solid var(--line); padding: 2px 0; }
.lane .label { color: var(--soft); display: block; font-size: .75rem; }
.lane .track { position: relative; height: 14px; }
.lane .span { position: absolute; top: 1px; bottom: 1px; min-width: 3px; border-radius: 3px; background: var(--bar); }
.lane .span.trip { background: #d9921a; } .lane .span.disagreement, .lane .span.violation { background: var(--failed); }
.chart { position: relative; height: 130px; margin-top: 6px; }
.chart svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.chart path { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.chart .top, .chart .bottom { position: absolute; left: 0; font-size: .75rem; color: var(--soft); background: var(--card); padding-right: 4px; }
.chart .top { top: 0; } .chart .bottom { bottom: 0; }
.ticks { display: flex; justify-content: space-between; color: var(--soft); font-size: .75rem; border-top: 1px solid var(--line); }
.scale { position: relative; height: 74px; margin: 20px 8px 6px; }
.scale .line { position: absolute; left: 0; right: 0; top: 36px; height: 2px; background: var(--line); }
.scale .mark { position: absolute; top: 29px; width: 2px; height: 16px; background: var(--accent); }
.scale .mark.flight { background: var(--failed); }
.scale .note { position: absolute; font-size: .78rem; white-space: nowrap; }
.scale .note.up { top: 4px; } .scale .note.down { top: 48px; }
details { margin-top: 10px; } summary { cursor: pointer; color: var(--accent); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: color-mix(in srgb, var(--line) 40%, transparent); border-radius: 6px; padding: 8px 10px; overflow-x: auto; font: .82rem/1.45 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; margin: 6px 0; }
dl { display: grid; grid-template-columns: minmax(7em, auto) 1fr; gap: 4px 16px; font-size: .9rem; margin: 10px 0 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.failure { border-top: 1px solid var(--line); padding-top: 8px; margin-top: 10px; }
ul { padding-left: 1.2em; margin: 6px 0; }
@media (max-width: 560px) {
  main { padding: 18px 12px 32px; }
  section { padding: 14px 12px 16px; }
  .verdict { font-size: 1.4rem; }
  .strip { grid-template-columns: 9.2em 1fr 6.6em; gap: 0 6px; font-size: .72rem; }
  .matrix tbody th { font-size: .76rem; padding-right: 6px; } .matrix td { min-width: 24px; padding: 0 2px; }
  dl { grid-template-columns: 1fr; gap: 0 0; } dt { margin-top: 8px; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .plain td, .plain th { padding-right: 10px; }
}
@media print { section { break-inside: avoid; } .scroll { overflow: visible; } }
`;
