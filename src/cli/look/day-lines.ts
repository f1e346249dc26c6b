import { drawSparkline } from '../../alerter/compose/sparkline.ts';
import type { ClientDetail } from '../../look/data/client-detail.ts';
import { dayMs, minuteMs } from '../../platform/units.ts';
import { formatDuration } from '../../text/durations.ts';
import { rounded } from '../../text/numbers.ts';
import { type Output, showsUtf8 } from '../terminal/output.ts';

/** The width of a chart in columns, which fits beside its label in 80 columns. */
const chartColumns = 48;

/** Returns CPU, memory and load of the last day in block characters. A step without a report is a dot. */
export function dayLines({ day }: Pick<ClientDetail, 'day'>, output: Output, nowMs: number): readonly string[] {
  if (day === null) return ['Nothing is stored of this time.'];
  const columns = Math.min(chartColumns, Math.floor(dayMs / day.stepMs));
  const line = (name: string, values: readonly (number | null)[], unit: string): string => {
    const points = values.map((value, index) => ({ atMs: day.sinceMs + index * day.stepMs, value }));
    const drawn = drawSparkline({ points, fromMs: nowMs - dayMs, untilMs: nowMs, columns });
    const label = name.padEnd(8);
    if (drawn === null) return `${label}unknown`;
    const [least, most] = [rounded(drawn.least, 1), rounded(drawn.most, 1)];
    return `${label}${shown(drawn.text, output)}  ${least === most ? '' : `${least} to `}${most}${unit}`;
  };
  const step = formatDuration(Math.floor(dayMs / columns / minuteMs) * minuteMs);
  return [
    line('cpu', day.cpuPercent, ' %'),
    line('memory', day.memoryPercent, ' %'),
    line('load5', day.load5, ''),
    `${' '.repeat(8)}a character is ${step}, ${shown('·', output)} is no report`,
  ];
}

/** Replaces blocks by digits if the terminal shows no UTF-8. */
function shown(blocks: string, { terminal }: Pick<Output, 'terminal'>): string {
  if (!terminal || showsUtf8()) return blocks;
  return blocks
    .replaceAll('·', '.')
    .replace(/[\u2581-\u2588]/g, (block) => String((block.codePointAt(0) ?? 0) - 0x2580));
}
