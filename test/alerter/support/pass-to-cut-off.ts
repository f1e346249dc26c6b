import type { Station } from './station.ts';

/** A pass with every kind of work, for tests that interrupt the pass: its configuration, its data and its mails. */
export const passToCutOff = {
  elements: `<collector every="15m"/><alerts><mail to="ops@example.org"/>
    <mail to="oncall@example.org" severity="critical"/><alert type="disk" warning="85%" critical="95%"/></alerts>
    <client name="web-[1-3]" ip="192.0.2.[1-3]" username="u"/>`,
  /** The mails of the pass, however often it is interrupted. */
  notified: [
    'oncall: firing critical web-1 disk /, resolved web-2 disk /',
    'ops: firing critical web-1 disk /, resolved web-2 disk /',
  ] as readonly string[],
  /**
   * Prepares unprocessed rows in which a notified alert ends, another begins, and a pending one goes on. The rows begin
   * 45 minutes before `nowMs` and end at it.
   */
  prepare: async (station: Station, nowMs: number): Promise<void> => {
    const minutes = (before: number): void => station.at(nowMs - before * 60_000);
    minutes(45);
    await station.collect();
    minutes(44);
    await station.pass();
    minutes(30);
    await station.collect({ 'web-2': 'disk / 97' });
    minutes(29);
    await station.pass();
    minutes(15);
    await station.collect({ 'web-3': 'memory 99' });
    minutes(1);
    await station.collect({ 'web-1': 'disk / 96', 'web-3': 'memory 99' });
    minutes(0);
  },
};
