import { many, selection, text, withDefault } from '../command/define-command.ts';

export const reportParameters = {
  clients: many(text('[client...]', 'only these clients or patterns')),
  group: selection.group,
  label: selection.label,
  file: text('-o, --output <file>', 'the file (default: report-YYYYMMDD.html, or standard output in a pipe)'),
  split: text('--split <folder>', 'a folder for an index and a file of each group, instead of one file'),
  since: withDefault(text('--since <time>', 'the beginning: 30d ago, yesterday, 2026-12-01'), '30d'),
  until: text('--until <time>', 'the end (default: now)'),
  maxSize: withDefault(text('--max-size <size>', 'the size above which plots become coarser or are omitted'), '8MiB'),
} as const;

export const forecastParameters = {
  clients: many(text('[client...]', 'only these clients or patterns')),
  group: selection.group,
  label: selection.label,
  within: withDefault(text('--within <duration>', 'the time limit, 90d at most'), '30d'),
  backtest: text(
    '--backtest <days>',
    'compare the forecasts of so many past days with what happened instead; 90 at most',
  ),
} as const;

export const changesParameters = {
  names: many(text('[client|group...]', 'only these clients, groups or patterns')),
  since: withDefault(text('--since <time>', 'the beginning: 24h ago, yesterday, 2026-12-01'), '24h'),
  kind: text('--kind <kinds>', 'only these kinds: package,file,unit,account,listener,mount,system'),
  have: {
    ...text('--have <package>', 'the versions of a package, with the clients that have each'),
    // The list is of now, and of packages.
    conflicts: ['since', 'kind'],
  },
} as const;
