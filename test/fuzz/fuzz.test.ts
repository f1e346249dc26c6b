// Second tier: random inputs for each parser.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';

import { keepInput, readCorpus } from './corpus.ts';
import { fuzz, evaluate } from './fuzz.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import type { FuzzTarget } from './target.ts';
import { fuzzTargets } from './targets/index.ts';

/** The time for all targets together. For longer: npm run fuzz -- --minutes 10. */
const altogetherMs = isLong ? 25_000 : 8000;
/** Every 400th input is also repeated to a long one. */
const maxRuns = isWide ? Infinity : 120;

/** A long known_hosts takes most of the time of all targets. */
const targets = fuzzTargets.filter(({ name }) => isWide || name !== 'known-hosts');

for (const target of targets) {
  describe(target.name, () => {
    it('its seeds and what was kept are as they must be', async () => {
      const kept = readCorpus(target.name);
      assert.ok(kept.length > 0, 'the corpus is empty');
      for (const input of target.seeds()) assert.equal(await evaluate(target, input), null);
      for (const { file, input } of kept) assert.equal((await evaluate(target, input))?.message, undefined, file);
    });

    it('so is whatever comes out of changing them', async (t) => {
      const seed = (Date.now() ^ process.pid) >>> 0;
      t.diagnostic(`again: npm run fuzz -- --seed ${seed} ${target.name}`);
      const corpus = readCorpus(target.name).map(({ input }) => input);
      const forMs = isWide ? altogetherMs / fuzzTargets.length : 60_000;
      const { runs, kinds, failure } = await fuzz({ target, corpus, seed, forMs, maxRuns });
      t.diagnostic(`${runs} inputs of ${kinds} kinds`);
      if (failure !== null) {
        const file = keepInput(target.name, failure.input);
        assert.fail(`${failure.error.message}; seed ${seed}; the input is test/fuzz/${file}`);
      }
      assert.ok(runs >= 100, `${runs} inputs are no test`);
    });
  });
}

test('the fuzzer finds an error that is no fault of the parser, and the same seed finds it again', async () => {
  const check = (input: Buffer): string => (input.includes('boom') ? String(JSON.parse('{')) : 'fine');
  const target: FuzzTarget = { name: 'broken', seeds: () => [Buffer.from('seed')], words: ['boom'], check };
  const find = async () => (await fuzz({ target, corpus: [], seed: 7, forMs: 60_000 })).failure;
  const first = await find();
  assert.ok(first !== null);
  assert.deepEqual((await find())?.input, first.input);
  assert.ok((await evaluate(target, first.input)) !== null);
});

test('the fuzzer finds what grows with the square of the input', async () => {
  const check = (input: Buffer): string => {
    let steps = 0;
    for (let at = 0; at < input.length; at += 16) for (let other = 0; other < input.length; other += 16) steps ^= at;
    return String(steps >= 0);
  };
  const target: FuzzTarget = { name: 'broken', seeds: () => [Buffer.from('seed')], words: ['x'], check };
  const { failure } = await fuzz({ target, corpus: [], seed: 7, forMs: 60_000, longCpuMs: 50 });
  assert.match(failure?.error.message ?? '', /CPU time/);
});
