/** The table for people. */
import { CONTESTANTS } from './contestant.js';
import type { Figure, Row } from './row.js';

const WHAT_WIDTH = 32;
const FIGURE_WIDTH = 18;
const NOT_MEASURED = '—';

function figureText(figure: Figure | undefined, digits: number): string {
  if (figure === undefined) return NOT_MEASURED;
  const text = (value: number): string =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const tail = figure.p99 === undefined ? '' : ` (${text(figure.p99)})`;
  return text(figure.typical) + tail;
}

function ratioText(figure: Figure | undefined): string {
  const ratio = figure?.timesBetter;
  return ratio === undefined ? NOT_MEASURED : `${ratio.toPrecision(ratio < 100 ? 2 : 3)}×`;
}

function line(what: string, figures: readonly string[]): string {
  return `  ${what.padEnd(WHAT_WIDTH)}${figures.map((text) => text.padStart(FIGURE_WIDTH)).join('')}`;
}

function rowLine(row: Row): string {
  const figures = CONTESTANTS.map((name) => row.figure(name));
  const ratios = figures.slice(0, -1).map(ratioText).join(' / ');
  return line(row.what, [...figures.map((figure) => figureText(figure, row.digits)), ratios]);
}

/** All rows, section by section. */
export function table(rows: readonly Row[]): string {
  const heads = line('', [...CONTESTANTS, 'times better']);
  const sections = [...new Set(rows.map(({ section }) => section))];
  const bodies = sections.map((section) => {
    const own = rows.filter((row) => row.section === section);
    return `\n${section}\n${own.map(rowLine).join('\n')}`;
  });
  return `${[heads, ...bodies].join('\n')}\n`;
}
