// Second tier: floods for seconds.
/** Clients and bastions that flood, four at a time beside 30 good clients, in runs of the built program. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { collectAmong, startPeers, type AmongOptions, type AmongResult } from '../support/fleets/collect-among.ts';
import { floods, type Flood, type FloodName } from '../support/ssh/floods.ts';
import { times } from '../support/times.ts';

const good = 30;
/** The limit of memory for four such clients, in MiB; see ARCHITECTURE.md. */
const maxMiB = 64 + 4 * 12;

const named = Object.entries(floods) as [FloodName, Flood][];
const fours = times(Math.ceil(named.length / 4), (number) => named.slice(number * 4, number * 4 + 4));

describe(`four floods beside ${good} good clients`, () => {
  let usual: AmongResult;
  it('without floods: the measure for the others', async (t) => {
    usual = await collectAmong(t, { peers: [], good });
    const unusual = usual.good.filter(({ ok }) => !ok);
    assert.deepEqual(unusual, []);
  });

  const evaluate = (t: TestContext, result: AmongResult, four: readonly (readonly [FloodName, Flood])[]): void => {
    const slowest = Math.max(...result.good.map(({ duration_ms: ms }) => ms));
    const more = result.peakMiB - usual.peakMiB;
    t.diagnostic(
      `${result.tookMs} ms (usual ${usual.tookMs}), the slowest good one ${slowest} ms, ` +
        `${more} MiB more than ${usual.peakMiB}`,
    );
    const failed = result.good.filter(({ ok }) => !ok);
    assert.deepEqual(failed, []);
    assert.equal(result.good.length, good);
    for (const [number, [name, { ends }]] of four.entries()) {
      const { ok, code, message } = result.hostile[number] ?? { ok: true, code: null, message: null };
      assert.equal(ok, false, name);
      assert.match(`${code} ${message}`, ends, name);
    }
    assert.ok(more <= maxMiB, `${more} MiB more than without them`);
  };
  const run = async (
    t: TestContext,
    four: readonly (readonly [FloodName, Flood])[],
    more: Partial<AmongOptions> = {},
  ): Promise<void> => {
    const peers = await startPeers(
      t,
      'flooding-peers.ts',
      four.map(([name]) => name),
    );
    const isBastion = (number: number): boolean => four[number]?.[1].stage === 'bastion';
    const ssh = 'privateKey="key"';
    evaluate(t, await collectAmong(t, { peers, good, isBastion, ssh, collector: 'pipelining="no"', ...more }), four);
  };

  for (const four of fours) {
    it(`${four.map(([name]) => name).join(', ')}: all good clients are visited, and the memory is bounded`, async (t) => {
      await run(t, four);
    });
  }

  for (const [what, name] of [
    ['requests before the login, where a login does not wait for answers', 'requests before the login'],
    ['keys that would be taken, where a login does not wait for answers', 'keys that would be taken'],
  ] as const) {
    it(`${what}: all good clients are visited`, async (t) => {
      const flood = { ...floods[name], ends: /^connect-failed |^handshake-(?:failed|closed) / };
      await run(
        t,
        times(4, () => [name, flood] as const),
        { collector: '' },
      );
    });
  }

  it('four that flood behind a good bastion: all good clients are visited', async (t) => {
    const names = ['requests in a session', 'forwarded connections before the login', 'output', 'IGNORE'] as const;
    const [through] = await startPeers(t, 'flooding-peers.ts', ['none']);
    assert.ok(through);
    await run(
      t,
      names.map((name) => [name, floods[name]] as const),
      { through },
    );
  });
});
