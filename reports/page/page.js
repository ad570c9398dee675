'use strict';
(() => {
  const report = JSON.parse(document.getElementById('report').textContent);
  const findings = report.findings || [];
  const root = document.getElementById('page');
  const MOST = 200;

  // Everything that comes from the program becomes text, never markup.
  const make = (name, attributes, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
      else if (value !== undefined && value !== false) node.setAttribute(key, value === true ? '' : value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };
  const draw = (name, attributes, ...children) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    node.append(...children);
    return node;
  };
  const copy = (what, text) => make('button', {type: 'button', onclick: async (event) => {
    const button = event.currentTarget;
    try { await navigator.clipboard.writeText(text); } catch (error) {
      const area = make('textarea', {}, text);
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = what; }, 1500);
  }}, what);

  const lockName = (finding, id) => (finding.locks.find((lock) => lock.id === id) || {name: id}).name;
  const placeText = (frame) => frame.file ? frame.file + (frame.line ? ':' + frame.line : '')
      : (frame.module || '?').split('/').pop() + '+' + frame.offset;
  const placeIn = (stack) => Math.max(0, stack.findIndex((frame) => !frame.wrapper));

  const search = make('input',
      {type: 'search', placeholder: 'Search findings', 'aria-label': 'Search findings', id: 'search'});
  const facet = (label, values) => make('select', {'aria-label': label}, make('option', {value: ''}, label),
      ...values.map((value) => make('option', {value}, value)));
  const distinct = (key) => [...new Set(findings.map((finding) => finding[key]))].sort();
  const level = facet('Any level', distinct('level'));
  const status = facet('Any status', distinct('status'));
  const rule = facet('Any rule', distinct('rule'));
  const list = make('ul', {class: 'list', id: 'list'});
  const detail = make('section', {id: 'detail', 'aria-live': 'polite'});
  const count = make('span', {class: 'faint', id: 'count'});
  // Once for all, at the first search: a key must not build the text of many findings anew.
  let texts = null;
  const textOf = (index) => {
    texts = texts || findings.map((finding) => [finding.rule, finding.title, finding.explanation, finding.fingerprint,
      ...finding.locks.map((lock) => lock.name), ...finding.threads.map((thread) => thread.name),
      ...finding.interleaving.map((step) => step.frame ? placeText(step.frame) + ' ' + (step.frame.function || '') : '')]
      .join('\n').toLowerCase());
    return texts[index];
  };
  const weight = {error: 0, warning: 1, note: 2};
  const order = findings.map((_, index) => index).sort((a, b) =>
      ((findings[a].status !== 'new') - (findings[b].status !== 'new')) ||
      (weight[findings[a].level] - weight[findings[b].level]) || a - b);
  let current = -1;
  let shown = [];

  const fill = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = order.filter((index) => {
      const finding = findings[index];
      return (!level.value || finding.level === level.value) && (!status.value || finding.status === status.value) &&
          (!rule.value || finding.rule === rule.value) && words.every((word) => textOf(index).includes(word));
    });
    list.replaceChildren(...shown.slice(0, MOST).map((index) => {
      const finding = findings[index];
      return make('li', {}, make('button', {type: 'button', 'data-index': index, 'aria-current': index === current,
        onclick: () => { location.hash = 'fp=' + finding.fingerprint; }},
      make('span', {class: 'tag ' + finding.level}, finding.level), finding.status === 'new' ? null
          : make('span', {class: 'tag faint'}, finding.status),
      make('span', {class: 'mono'}, finding.rule + ' '), finding.title));
    }));
    count.textContent = shown.length + ' of ' + findings.length +
        (shown.length > MOST ? ', the first ' + MOST + ' shown: search to see others' : '');
  };

  const stackList = (stack) => {
    const place = placeIn(stack);
    return make('ol', {class: 'stack'}, ...stack.map((frame, index) => make('li', {class: index === place && 'place'},
        (index === place ? '> ' : '  ') + '#' + index + ' ' + (frame.function || '?') + '  ' + placeText(frame))));
  };
  const part = (title, stack) => stack && stack.length ? [make('div', {}, title), stackList(stack)] : [];

  const threadColumn = (finding, thread) => make('div', {class: 'column'},
      make('h3', {}, thread.id + ' ' + thread.name), thread.role ? make('div', {class: 'faint'}, thread.role) : null,
      ...thread.holds.flatMap((held) => part('holds ' + lockName(finding, held.lock) + ', locked at', held.stack)),
      ...(thread.waits ? part((finding.confidence === 'confirmed' ? 'waits for ' : 'then waits for ') +
          (thread.waits.note || lockName(finding, thread.waits.for)) + ' at', thread.waits.stack) : []),
      ...part('at', thread.at), ...part('created at', thread.created));

  const stepper = (finding) => {
    const steps = finding.interleaving;
    if (!steps.length) return null;
    const names = [...new Set(steps.map((step) => step.thread))];
    const rows = steps.map((step) => make('tr', {}, make('td', {}, String(step.step)), ...names.map((name) =>
        make('td', {class: 'code'}, step.thread === name ? step.action + ' ' + lockName(finding, step.lock || '') +
            (step.frame ? '  ' + placeText(step.frame) : '') : ''))));
    let at = steps.length;
    const now = make('span', {class: 'faint', id: 'step'});
    const show = () => {
      rows.forEach((row, index) => { row.className = index === at - 1 ? 'now' : index >= at ? 'later' : ''; });
      now.textContent = 'step ' + at + ' of ' + steps.length;
    };
    const go = (by) => () => { at = Math.min(steps.length, Math.max(1, at + by)); show(); };
    show();
    const title = finding.confidence === 'confirmed' ? 'What happened' : 'How it would happen';
    return make('div', {}, make('h2', {}, title), make('div', {class: 'tools'},
        make('button', {type: 'button', id: 'first', onclick: () => { at = 1; show(); }}, 'First'),
        make('button', {type: 'button', id: 'back', onclick: go(-1)}, 'Back'),
        make('button', {type: 'button', id: 'next', onclick: go(1)}, 'Next'), now),
    make('div', {class: 'wide'}, make('table', {}, make('thead', {}, make('tr', {}, make('th', {}, '#'),
        ...names.map((name) => make('th', {}, name + ' ' +
            ((finding.threads.find((thread) => thread.id === name) || {}).name || ''))))), make('tbody', {}, ...rows))));
  };

  const graph = (finding) => {
    const nodes = [];
    const edges = [];
    const node = (id, label, lock) => {
      let known = nodes.findIndex((entry) => entry.id === id);
      if (known < 0) known = nodes.push({id, label, lock}) - 1;
      return known;
    };
    for (const thread of finding.threads) {
      if (!thread.waits || nodes.length > 60) continue;
      const self = node(thread.id, thread.id + ' ' + thread.name, false);
      for (const held of thread.holds) edges.push([node(held.lock, lockName(finding, held.lock), true), self, false]);
      const target = finding.threads.find((other) => other.id === thread.waits.for);
      edges.push([self, node(thread.waits.for, target ? target.id + ' ' + target.name
          : lockName(finding, thread.waits.for), !target), true]);
    }
    if (!edges.length) return null;
    // In the order in which they hang together: a cycle becomes a ring.
    const turn = [];
    const visit = (index) => {
      if (turn.includes(index)) return;
      turn.push(index);
      edges.filter((edge) => edge[0] === index).forEach((edge) => visit(edge[1]));
    };
    nodes.forEach((_, index) => visit(index));
    const width = 640;
    const radius = Math.max(90, nodes.length * 22);
    const height = 2 * radius + 90;
    turn.forEach((index, position) => {
      const angle = 2 * Math.PI * position / turn.length - Math.PI / 2;
      nodes[index].x = width / 2 + Math.cos(angle) * Math.min(radius * 1.6, width / 2 - 110);
      nodes[index].y = height / 2 + Math.sin(angle) * radius;
    });
    const marker = (id) => draw('marker', {id, viewBox: '0 0 10 10', refX: 10, refY: 5, markerWidth: 7, markerHeight: 7,
      orient: 'auto'}, draw('path', {d: 'M0 0L10 5L0 10z', class: id}));
    const picture = draw('svg', {viewBox: `0 0 ${width} ${height}`, width, height, role: 'img',
      'aria-label': 'who holds what and waits for what'}, draw('defs', {}, marker('arrow-held'), marker('arrow-wait')));
    for (const [from, to, waits] of edges) {
      const a = nodes[from];
      const b = nodes[to];
      const length = Math.hypot(b.x - a.x, b.y - a.y) || 1;
      const cut = Math.min(0.3, 40 / length);
      picture.append(draw('line', {x1: a.x + (b.x - a.x) * cut, y1: a.y + (b.y - a.y) * cut, x2: b.x - (b.x - a.x) * cut,
        y2: b.y - (b.y - a.y) * cut, class: waits ? 'wait' : 'held', 'stroke-width': 2,
        'marker-end': `url(#arrow-${waits ? 'wait' : 'held'})`}));
      const label = draw('text', {x: (a.x + b.x) / 2 + 6, y: (a.y + b.y) / 2 - 4});
      label.textContent = waits ? 'waits for' : 'held by';
      picture.append(label);
    }
    for (const entry of nodes) {
      const text = entry.label.length > 26 ? entry.label.slice(0, 25) + '\u2026' : entry.label;
      const half = Math.max(40, text.length * 3.6 + 10);
      picture.append(draw('rect', {x: entry.x - half, y: entry.y - 15, width: 2 * half, height: 30,
        rx: entry.lock ? 2 : 15, class: 'node'}));
      const label = draw('text', {x: entry.x, y: entry.y + 4, 'text-anchor': 'middle'});
      label.textContent = text;
      picture.append(label);
    }
    return make('div', {}, make('h2', {}, 'Who waits for whom'), make('div', {class: 'wide'}, picture));
  };

  const processColumn = (process) => make('div', {class: 'column'}, make('h3', {}, 'pid ' + process.pid + ' ' + process.command),
      make('div', {class: 'faint'}, [process.state, process.ended].filter(Boolean).join(', ')), ...part('created at', process.created));

  const markdown = (finding) => '### ' + finding.rule + ' `' + finding.fingerprint + '`\n\n' + finding.title + '\n\n' +
      finding.explanation + '\n\n**Fix:** ' + finding.fix + '\n';

  const open = (index) => {
    current = index;
    list.querySelectorAll('button').forEach((button) =>
        button.setAttribute('aria-current', Number(button.dataset.index) === index));
    if (index < 0) { detail.replaceChildren(); return; }
    const finding = findings[index];
    detail.replaceChildren(...[
      make('h2', {class: finding.level, id: 'title'}, finding.level.toUpperCase() + ' ' + finding.rule + ' (' +
          finding.confidence + ')'),
      make('p', {}, finding.title), make('p', {}, finding.explanation),
      finding.suppressed_by ? make('p', {class: 'faint'}, 'Suppressed by ' + finding.suppressed_by + ' ' +
          (finding.suppressed_because || '')) : null,
      make('div', {class: 'tools'}, copy('Copy fingerprint', finding.fingerprint),
          copy('Copy suppression', finding.suppression), copy('Copy as Markdown', markdown(finding))),
      make('h2', {}, 'Fix'), make('p', {}, finding.fix), stepper(finding), graph(finding),
      finding.threads.length || finding.processes.length ? make('h2', {}, 'Evidence') : null,
      make('div', {class: 'columns'}, ...finding.threads.map((thread) => threadColumn(finding, thread)),
          ...finding.processes.map(processColumn)),
      finding.conditions.length ? make('h2', {}, finding.confidence === 'confirmed' ? 'Why this is certain'
          : 'Why it can happen') : null,
      make('ul', {}, ...finding.conditions.map((condition) => make('li', {}, (condition.holds ? '' : 'not: ') +
          condition.name + (condition.because ? ': ' + condition.because : '')))),
      finding.behind.length ? make('h2', {}, 'Stuck behind it') : null,
      make('ul', {}, ...finding.behind.map((who) => make('li', {}, who))),
      make('h2', {}, 'Fingerprint and suppression'), make('pre', {}, finding.fingerprint + '\n' + finding.suppression),
    ].filter(Boolean));
  };

  const follow = () => {
    const match = /^#fp=([0-9a-f]{16})$/.exec(location.hash);
    const index = match ? findings.findIndex((finding) => finding.fingerprint === match[1]) : -1;
    open(index >= 0 ? index : order.length ? order[0] : -1);
  };

  const card = (number, what, kind) => make('div', {class: 'card ' + (number ? kind : 'faint')}, make('b', {}, String(number)), what);
  const summary = report.summary;
  const coverage = report.coverage;
  const theme = make('button', {type: 'button', id: 'theme', onclick: () => {
    const dark = document.documentElement.classList.contains('dark') ||
        (!document.documentElement.classList.contains('light') && matchMedia('(prefers-color-scheme: dark)').matches);
    document.documentElement.className = dark ? 'light' : 'dark';
  }}, 'Dark or light');
  const profile = report.profile && report.profile.length ? make('section', {}, make('h2', {}, 'Locks by time waited'),
      make('div', {class: 'wide'}, make('table', {}, make('thead', {}, make('tr', {}, ...['lock', 'acquired', 'contended',
        'waited ms', 'longest ms', 'held ms'].map((text) => make('th', {}, text)))), make('tbody', {},
      ...report.profile.slice(0, MOST).map((lock) => make('tr', {}, ...[lock.name, lock.acquisitions, lock.contended,
        (lock.wait_ns / 1e6).toFixed(1), (lock.max_wait_ns / 1e6).toFixed(1), (lock.hold_ns / 1e6).toFixed(1)].map((value) =>
        make('td', {}, String(value))))))))) : null;
  const snapshot = report.snapshot && report.snapshot.length ? make('section', {}, make('h2', {}, 'Threads'),
      make('div', {class: 'columns'}, ...report.snapshot.map((process) => make('div', {class: 'column'}, make('h3', {},
          'pid ' + process.pid + ' ' + process.command), ...process.threads.slice(0, MOST).flatMap((task) => [make('div', {},
          task.tid + ' ' + task.name + ': ' + task.verdict + ', ' + task.what), stackList(task.stack)]))))) : null;
  root.replaceChildren(...[
    make('header', {}, make('h1', {}, 'Gordian: ' + (report.run.command || []).join(' ')),
        make('div', {class: 'faint'}, [report.run.status, report.run.started, report.run.host,
          'gordian ' + report.run.version].filter(Boolean).join(' \u00b7 ')),
        make('div', {class: 'cards'}, card(summary.error, 'errors', 'error'), card(summary.warning, 'warnings', 'warning'),
            card(summary.note, 'notes', 'note'), summary.baseline ? card(summary.baseline, 'in the baseline', 'faint') : null,
            summary.suppressed ? card(summary.suppressed, 'suppressed', 'faint') : null,
            card(coverage.processes, 'processes', ''), card(coverage.threads, 'threads', ''),
            coverage.dropped ? card(coverage.dropped, 'records lost', 'error') : null, theme),
        ...(report.failures || []).map((failure) => make('p', {class: 'error'}, 'FAILED: ' + failure))),
    make('main', {}, make('div', {class: 'tools', role: 'search'}, search, level, status, rule, count), list, detail, profile,
        snapshot, coverage.unseen.length ? make('section', {}, make('h2', {}, 'What was not seen'), make('ul', {},
            ...coverage.unseen.map((sentence) => make('li', {}, sentence)))) : null),
  ].filter(Boolean));
  let timer = 0;
  search.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(fill, 40); });
  for (const select of [level, status, rule]) select.addEventListener('change', fill);
  addEventListener('hashchange', () => { follow(); detail.scrollIntoView(); });
  addEventListener('keydown', (event) => {
    if (/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) return;
    if (event.key === '/') { event.preventDefault(); search.focus(); }
    const by = event.key === 'j' ? 1 : event.key === 'k' ? -1 : 0;
    if (by && shown.length) {
      const next = shown[Math.min(shown.length - 1, Math.max(0, shown.indexOf(current) + by))];
      location.hash = 'fp=' + findings[next].fingerprint;
    }
  });
  fill();
  follow();
})();
