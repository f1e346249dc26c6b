import { shortened } from './shortened.ts';

/** A change of the state of a client: an item with its value before and after, null where it did not exist. */
export interface ChangedItem {
  readonly kind: string;
  readonly item: string;
  readonly oldValue: string | null;
  readonly newValue: string | null;
}

/** The longest name in a sentence. */
const maxName = 60;
/** A digest, or time and size: values that say nothing to people. */
const dull = /(?:^| )(?:[0-9a-f]{32}|\d{4}-\d\d-\d\dT\S+Z \d+)$/;

/** Describes a change: `openssl 3.0.11 to 3.0.14`, `/etc/nginx/nginx.conf`, `nginx.service enabled`, `tcp 443 gone`. */
export function changeWords({ kind, item, oldValue, newValue }: ChangedItem): string {
  // The item of a package has its architecture.
  const name = shortened(kind === 'package' ? (item.split(' ', 1)[0] ?? item) : nameOf(kind, item), maxName);
  const [before, after] = [oldValue, newValue].map((value) =>
    value === null ? null : shortened(value.replace(dull, ''), maxName),
  );
  if (newValue === null) return kind === 'package' ? `${name} ${before ?? ''} removed` : `${name} gone`;
  if (oldValue === null) return `${name} ${after ?? ''}`.trimEnd() + (kind === 'package' ? ' installed' : ' new');
  if (kind === 'system' && item === 'boot') return 'booted';
  if (before === after) return name;
  return `${name} ${before === '' ? 'changed' : (before ?? '')} to ${after === '' ? 'disabled' : (after ?? '')}`;
}

function nameOf(kind: string, item: string): string {
  if (kind === 'account') return `account ${item}`;
  return kind === 'mount' ? `mount ${item}` : item;
}
