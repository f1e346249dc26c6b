import { allKeyExchanges, usualKeyExchanges, type KeyExchange } from '../../config/values/key-exchanges.ts';
import { hostPatternsMatch } from '../ssh-config/host-patterns.ts';

/**
 * Returns the key exchanges to offer, in order of preference. `option` is `kex` or ssh_config's KexAlgorithms (`+`,
 * `-`, `^` and patterns as in ssh_config(5)); null stands for the default list. Omits key exchanges that the built-in
 * transport does not support, so the result may be empty.
 */
export function offeredKeyExchanges(option: string | null): readonly KeyExchange[] {
  if (option === null) return usualKeyExchanges;
  const [, prefix = '', list = ''] = /^([+^-]?)(.*)$/s.exec(option) ?? [];
  const patterns = list.split(',');
  if (prefix === '-') return usualKeyExchanges.filter((name) => !hostPatternsMatch(patterns, name));
  const named = patterns.flatMap((pattern) => allKeyExchanges.filter((name) => hostPatternsMatch([pattern], name)));
  const whole = { '+': [...usualKeyExchanges, ...named], '^': [...named, ...usualKeyExchanges] }[prefix] ?? named;
  return [...new Set(whole)];
}
