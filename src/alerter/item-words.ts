import type { Severity } from '../config/config.ts';
import { oneLine, quoted } from './plain-text.ts';
import type { Item, Line } from './telling.ts';
import { columnsOf } from './text-columns.ts';
import { counted } from './time-words.ts';

/** Longer ones are no short values. */
const shortColumns = 24;

/** What an alert is about, without its client: `disk /var`, `service nginx.service`, `unreachable`. */
export function labelOf({ rule, subject }: Pick<Item, 'rule' | 'subject'>): string {
  if (subject === '') return quoted(rule);
  // `disk mount=/var*` and its subject say the same twice.
  const type = /^([\w-]+)(?: [\w-]+=\S*)+$/.exec(rule)?.[1] ?? rule;
  return `${quoted(type)} ${quoted(subject)}`;
}

/** Whether the label leaves out of the rule's name what people need for silences and `explain`. */
export function labelHidesRule({ rule, subject }: Pick<Item, 'rule' | 'subject'>): boolean {
  return subject !== '' && /^[\w-]+(?: [\w-]+=\S*)+$/.test(rule);
}

/** The value in a word or two; null: it takes more. Of what is unreachable its class. */
export function shortValue({ rule, episode }: Pick<Item, 'rule' | 'episode'>): string | null {
  const text = oneLine(episode.valueText);
  if (rule === 'unreachable') {
    const kind = /^(network|login refused|agent failed)(?::|$)/.exec(text)?.[1];
    return kind ?? null;
  }
  return text !== '' && columnsOf(text) <= shortColumns ? quoted(text) : null;
}

/** `web-1: disk /var`; what concerns the fleet in its own words. */
export function titleOf(item: Item): string {
  return item.client === '' ? labelOf(item) : `${quoted(item.client)}: ${labelOf(item)}`;
}

/** Who and what many items in one line are: `rack-7: disk /var (12 clients)`. */
export function foldTitle(line: Line): string {
  const whose = whoseFold(line);
  return `${whose === '' ? '' : `${whose}: `}${foldLabel(line)}`;
}

/** What a line is called among others: `web-1 disk /var`. */
export function nameOfLine(line: Line): string {
  const [item] = line.items;
  if (item === undefined) return '';
  const [whose, label] = line.fold === null ? [quoted(item.client), labelOf(item)] : [whoseFold(line), foldLabel(line)];
  return whose === '' ? label : `${whose} ${label}`;
}

function whoseFold({ fold }: Line): string {
  switch (fold?.kind) {
    case 'group':
      return quoted(fold.name);
    case 'export':
      return quoted(fold.source);
    case 'bastion':
      return `bastion ${quoted(fold.name)}`;
    case 'all':
    case undefined:
      return '';
  }
}

function foldLabel({ fold, items, clients }: Line): string {
  const all = fold?.kind === 'bastion' ? ` of ${fold.behind}` : '';
  const behind = fold?.kind === 'bastion' ? ' behind it' : '';
  const noun = clients.length === 1 && all === '' ? 'client' : 'clients';
  return `${sharedLabel(items)} (${clients.length}${all} ${noun}${behind})`;
}

/** The label of items of one rule: with the subject where it is the same for all. */
export function sharedLabel(items: readonly Item[]): string {
  const [first] = items;
  if (first === undefined) return '';
  const isSame = items.every(({ subject }) => subject === first.subject);
  return isSame ? labelOf(first) : labelOf({ rule: first.rule.split(' ', 1)[0] ?? first.rule, subject: '' });
}

/** `3 critical, 5 warnings`; '' for none. */
export function countBySeverity(items: readonly { readonly severity: Severity }[]): string {
  const critical = items.filter(({ severity }) => severity === 'critical').length;
  const warnings = items.length - critical;
  return [critical === 0 ? '' : `${critical} critical`, warnings === 0 ? '' : counted(warnings, 'warning')]
    .filter((part) => part !== '')
    .join(', ');
}
