/**
 * Three nodes of etcd on this machine, as Debian ships it and with its own defaults, data beside what is compared with
 * it. Clients keep one connection each, to the leader, so that nothing is forwarded: over gRPC (grpc-js with etcd's own
 * description of the service) and over its HTTP gateway; what is faster counts.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { freePorts } from '../ports.mjs';
import { nowUs, sleep, VALUE_BYTES, within } from './load.mjs';

const NODES = 3;
const VALUE = Buffer.alloc(VALUE_BYTES, 7);

/** Starts the nodes and waits for a leader. */
export async function startEtcd({ require }) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'voteplane-bench-etcd-'));
  const ports = await freePorts(2 * NODES);
  const nodes = Array.from({ length: NODES }, (_, at) => ({
    name: `e${at}`,
    client: `http://127.0.0.1:${ports[at]}`,
    peer: `http://127.0.0.1:${ports[NODES + at]}`,
    address: `127.0.0.1:${ports[at]}`,
    child: null,
  }));
  const cluster = nodes.map(({ name, peer }) => `${name}=${peer}`).join(',');
  const launch = (node) => {
    const options = {
      name: node.name,
      'data-dir': path.join(folder, node.name),
      'listen-client-urls': node.client,
      'advertise-client-urls': node.client,
      'listen-peer-urls': node.peer,
      'initial-advertise-peer-urls': node.peer,
      'initial-cluster': cluster,
      'initial-cluster-state': 'new',
      'log-level': 'error',
    };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    node.child = spawn('etcd', args, { stdio: 'ignore' });
  };
  for (const node of nodes) launch(node);
  const stub = loadStub(require);
  const clients = [];
  const openGrpc = (node) => {
    const client = stub(node.address);
    clients.push(client);
    return client;
  };
  const agents = [];
  return {
    nodes,
    findLeader: () => within(20_000, 'a leader of etcd', findLeader(nodes)),
    /** One connection of its own; returns a way to put one value. */
    openPut(node, transport) {
      if (transport === 'grpc') {
        const client = openGrpc(node);
        return (key, deadlineMs = 5_000) =>
          new Promise((resolve, reject) => {
            const deadline = Date.now() + deadlineMs;
            client.Put({ key: Buffer.from(key), value: VALUE }, { deadline }, (error) =>
              error === null ? resolve() : reject(error),
            );
          });
      }
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      agents.push(agent);
      return (key) =>
        post(agent, `${node.client}/v3/kv/put`, {
          key: Buffer.from(key).toString('base64'),
          value: VALUE.toString('base64'),
        });
    },
    /** Kills a node as the power supply would. */
    kill: (node) => exit(node.child, 'SIGKILL'),
    restart: launch,
    async stop() {
      for (const client of clients) client.close();
      for (const agent of agents) agent.destroy();
      await Promise.all(nodes.map(({ child }) => exit(child, 'SIGKILL')));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Kills the leader and asks all others at once and again, as clients do that do not know who leads, each ask for so long
 * as it takes. Returns milliseconds from the kill to the next answer.
 */
export async function measureFailover(etcd) {
  const leader = await etcd.findLeader();
  const left = etcd.nodes.filter((node) => node !== leader);
  const puts = left.map((node) => etcd.openPut(node, 'grpc'));
  for (const put of puts) await put('before');
  const killedUs = nowUs();
  await etcd.kill(leader);
  let isAnswered = false;
  const ask = async (put) => {
    while (!isAnswered) {
      try {
        await put('after', 100);
        if (!isAnswered) {
          isAnswered = true;
          return (nowUs() - killedUs) / 1_000;
        }
      } catch {
        // Nobody leads yet, or the deadline of this one is over: it asks again, as clients do.
        await sleep(5);
      }
    }
    return null;
  };
  const answers = await within(
    30_000,
    'an answer after the leader of etcd was killed',
    Promise.all(puts.map(ask)),
  );
  etcd.restart(leader);
  await etcd.findLeader();
  await sleep(1_000);
  return answers.find((ms) => ms !== null);
}

function loadStub(require) {
  const grpc = require('@grpc/grpc-js');
  const loader = require('@grpc/proto-loader');
  const file = path.join(path.dirname(require.resolve('etcd3/package.json')), 'proto', 'rpc.proto');
  const definition = loader.loadSync(file, { longs: Number, defaults: false });
  const { KV } = grpc.loadPackageDefinition(definition).etcdserverpb;
  return (address) =>
    new KV(address, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 });
}

async function findLeader(nodes) {
  for (;;) {
    for (const node of nodes) {
      const status = await post(null, `${node.client}/v3/maintenance/status`, {}).catch(() => null);
      if (status?.leader !== undefined && status.leader === status.header.member_id) return node;
    }
    await sleep(50);
  }
}

function post(agent, url, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'POST', agent: agent ?? undefined }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`etcd answered ${response.statusCode}: ${text}`));
      });
    });
    request.on('error', reject);
    request.setNoDelay(true);
    request.end(JSON.stringify(body));
  });
}

/** Resolves when the process is gone. */
function exit(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const left = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  return left;
}
