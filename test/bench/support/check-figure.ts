import assert from 'node:assert/strict';

import type { Figure } from '../../../bench/figure.ts';
import { spreadOf } from '../../../bench/statistics.ts';

/** Requires that a figure is whole: measured with its spread, or not measured with the reason. */
export function checkFigure(figure: Figure): void {
  const { name, what, peer, target, ours, peerFigures, ratio, isMet, notMeasured: why } = figure;
  assert.match(name, /^[a-z0-9-]+$/);
  assert.ok(what.length > 5);
  if (ours === null) {
    assert.ok(why !== null && why.length > 5, `${name} says why it was not measured`);
    assert.deepEqual({ peerFigures, ratio, isMet }, { peerFigures: null, ratio: null, isMet: null });
    return;
  }
  assert.equal(why, null);
  assert.ok(ours.least > 0 && ours.least <= ours.median && ours.median <= ours.most, `${name} has a spread`);
  assert.deepEqual(ours, spreadOf(ours.samples));
  assert.equal(peerFigures === null, peer === null);
  assert.equal(ratio === null, peer === null);
  assert.equal(isMet === null, target === null);
}
