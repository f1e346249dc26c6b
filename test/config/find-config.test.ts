import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { findConfig } from '../../src/config/find-config.ts';
import { systemConfigPath } from '../../src/state-folder/paths.ts';
import { configFolder } from './support/config-files.ts';

test('-c, then the environment, then ./config.xml, then the system', (t) => {
  const before = process.cwd();
  t.after(() => process.chdir(before));
  const environment = { FLEET_HEALTH_CONFIG: '/from/environment.xml' };
  process.chdir(configFolder({ 'config.xml': '<config/>' }));
  assert.equal(findConfig('given.xml', environment), 'given.xml');
  assert.equal(findConfig(undefined, environment), '/from/environment.xml');
  assert.equal(findConfig(undefined, { FLEET_HEALTH_CONFIG: '' }), 'config.xml');
  assert.equal(findConfig(undefined, {}), 'config.xml');
  process.chdir(configFolder({}));
  assert.equal(findConfig(undefined, {}), existsSync(systemConfigPath) ? systemConfigPath : 'config.xml');
});
