import { allKeyExchanges, usualKeyExchanges, type KeyExchange } from '../../config/values/key-exchanges.ts';
import { hostPatternsMatch } from '../ssh-config/host-patterns.ts';

/**
 * The key exchanges to offer, in their order, by `kex` or ssh_config's KexAlgorithms (`+`, `-`, `^` and patterns as in
 * ssh_config(5)); null: nothing is said. Others than the built-in transport can do are left out, so that none may be left.
 */
export function offeredKeyExchanges(said: string | null): readonly KeyExchange[] {
  if (said === null) return usualKeyExchanges;
  const [, prefix = '', list = ''] = /^([+^-]?)(.*)$/s.exec(said) ?? [];
  const patterns = list.split(',');
  if (prefix === '-') return usualKeyExchanges.filter((name) => !hostPatternsMatch(patterns, name));
  const named = patterns.flatMap((pattern) => allKeyExchanges.filter((name) => hostPatternsMatch([pattern], name)));
  const whole = { '+': [...usualKeyExchanges, ...named], '^': [...named, ...usualKeyExchanges] }[prefix] ?? named;
  return [...new Set(whole)];
}
