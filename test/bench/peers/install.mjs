/**
 * What the peers are, installed where they do not touch this package: etcd from Debian, libraries from npm in a folder of
 * their own that is kept between runs (VOTEPLANE_PEERS, else in the folder for temporary files).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';

/** liferaft with the store in memory that its log takes; gRPC with etcd's own description of its service. */
const PACKAGES = {
  '@grpc/grpc-js': '1.14.1',
  '@grpc/proto-loader': '0.8.0',
  etcd3: '1.1.2',
  liferaft: '1.0.0',
  memdown: '2.0.0',
};

/** The folder, and a `require` that finds the packages in it. */
export function installLibraries() {
  const folder = process.env.VOTEPLANE_PEERS ?? path.join(os.tmpdir(), 'voteplane-peers');
  const manifest = path.join(folder, 'package.json');
  const text = `${JSON.stringify({ private: true, dependencies: PACKAGES }, null, 2)}\n`;
  const isThere =
    existsSync(path.join(folder, 'node_modules', 'liferaft')) && readFileSync(manifest, 'utf8') === text;
  if (!isThere) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(manifest, text);
    // Nothing is compiled: the store on a disk that liferaft would rather have is not used.
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  return { folder, require: createRequire(manifest) };
}

/** The version of etcd; installs it where it is missing and this process may. */
export function installEtcd() {
  const found = readEtcdVersion();
  if (found !== null) return found;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const args = ['install', '-y', '--no-install-recommends', 'etcd-server', 'etcd-client'];
  const installed = spawnSync('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const version = readEtcdVersion();
  if (installed.status !== 0 || version === null)
    throw new Error(
      'etcd is not installed and could not be: as root, apt-get install etcd-server etcd-client',
    );
  return version;
}

function readEtcdVersion() {
  const answer = spawnSync('etcd', ['--version'], { encoding: 'utf8' });
  return answer.error === undefined ? (/etcd Version: (\S+)/.exec(answer.stdout)?.[1] ?? 'unknown') : null;
}
