import type { Recipient } from '../../../src/config/config.ts';

/** Returns recipients as words: `ops@example.org`, `webhook:chat critical`, with rules and hours if they have any. */
export function recipientsOf({ recipients }: { readonly recipients: readonly Recipient[] }): readonly string[] {
  return recipients.map(({ to, severity, rules, hours }) =>
    [
      to,
      ...(severity === null ? [] : [severity]),
      ...(rules.length === 0 ? [] : [`rules ${rules.join(',')}`]),
      ...(hours === null ? [] : ['in hours']),
    ].join(' '),
  );
}
