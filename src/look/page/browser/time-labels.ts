/** The functions of uPlot that write times. */
interface Dates {
  fmtDate(template: string): (date: Date) => string;
  tzDate(date: Date, zone: string): Date;
}

const daySeconds = 86_400;
const minuteSeconds = 60;

/**
 * Returns a function that labels times on a clock of 24 hours: with seconds if the labels are closer than a minute,
 * with the date where it changes, and as dates alone, with the year where it changes, if they are days apart.
 */
export function timeLabels(dates: Dates, zone: string): (plot: unknown, seconds: readonly number[]) => string[] {
  const [clock, exact] = [dates.fmtDate('{HH}:{mm}'), dates.fmtDate('{HH}:{mm}:{ss}')];
  const [date, year] = [dates.fmtDate('{D} {MMM}'), dates.fmtDate('{YYYY}')];
  return (_plot, seconds) => {
    const gap = (seconds[1] ?? 0) - (seconds[0] ?? 0);
    const [fine, coarse] = gap >= daySeconds ? [date, year] : [gap > 0 && gap < minuteSeconds ? exact : clock, date];
    let before = '';
    return seconds.map((second) => {
      const at = dates.tzDate(new Date(second * 1000), zone);
      const words = coarse(at);
      const label = words === before ? fine(at) : `${fine(at)}\n${words}`;
      before = words;
      return label;
    });
  };
}

/** The times of a plot in seconds: the newest one with a value, if there is one, and the step between two. */
interface PlotTimes {
  readonly newest: number | null;
  readonly step: number;
}

/**
 * Returns a function that writes the time under the cursor into the legend, or the newest time without a cursor: with
 * seconds if points are closer than a minute, and with the year if it is not that of the newest point.
 */
export function timeValue(
  dates: Dates,
  zone: string,
  { newest, step }: PlotTimes,
  latest: number | null = newest,
): (plot: unknown, seconds: number | null) => string {
  const clock = step < minuteSeconds ? '{HH}:{mm}:{ss}' : '{HH}:{mm}';
  const [plain, dated] = [dates.fmtDate(`{D} {MMM} ${clock}`), dates.fmtDate(`{D} {MMM} {YYYY} ${clock}`)];
  const dateOf = (seconds: number): Date => dates.tzDate(new Date(seconds * 1000), zone);
  return (_plot, seconds) => {
    const shown = seconds ?? newest;
    if (shown === null) return '–';
    const at = dateOf(shown);
    const isSameYear = latest === null || dateOf(latest).getFullYear() === at.getFullYear();
    return (isSameYear ? plain : dated)(at);
  };
}
