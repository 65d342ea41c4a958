import { describe, expect, test } from 'vitest';
import { planInstallation, renderPlan, type InstallRequest } from '../../src/board/install-plan.js';

const REQUEST: InstallRequest = {
  rigId: 'pitch',
  kind: 'replica',
  id: 'a',
  nodePath: '/usr/bin/node',
  programPath: '/opt/v.js',
  nodeFlags: [],
  bridge: { kind: 'tcp', host: 'h', port: 1 },
  periodUs: 50_000,
  isVolatile: false,
  rigFiles: ['/home/me/rigs/pitch/rig.yaml', '/home/me/rigs/pitch/law.ts'],
  keyFile: '/home/me/keys/a.keys.json',
  passphraseFile: null,
};

describe('the plan of an installation', () => {
  test('the unit comes last but for its link, when all that it names is there; keys are for root alone', () => {
    expect(
      planInstallation(REQUEST).steps.map((step) => [step.kind, step.to, 'mode' in step ? step.mode : null]),
    ).toEqual([
      ['copy', '/etc/voteplane/rigs/pitch/rig.yaml', 0o644],
      ['copy', '/etc/voteplane/rigs/pitch/law.ts', 0o644],
      ['copy', '/etc/voteplane/keys/pitch/a.keys.json', 0o600],
      ['text', '/etc/systemd/system/voteplane-pitch-a.service', 0o644],
      ['link', '/etc/systemd/system/multi-user.target.wants/voteplane-pitch-a.service', null],
    ]);
  });

  test('a law beside the rig folder stays beside it', () => {
    const plan = planInstallation({
      ...REQUEST,
      rigFiles: ['/home/me/rigs/pitch-50hz/rig.yaml', '/home/me/rigs/pitch/law.ts'],
    });
    expect(plan.steps.slice(0, 2).map(({ to }) => to)).toEqual([
      '/etc/voteplane/rigs/pitch/pitch-50hz/rig.yaml',
      '/etc/voteplane/rigs/pitch/pitch/law.ts',
    ]);
    expect(plan.rigFile).toBe('/etc/voteplane/rigs/pitch/pitch-50hz/rig.yaml');
  });

  test('for people it names every file, and holds the unit in full', () => {
    const plan = planInstallation({ ...REQUEST, passphraseFile: '/home/me/p' });
    const text = renderPlan(plan);
    for (const { to } of plan.steps) expect(text).toContain(to);
    expect(text).toContain('WatchdogSec=3000ms');
    expect(text).toContain('# /etc/voteplane/keys/pitch/a.passphrase (mode 0600): copy of /home/me/p');
  });
});
