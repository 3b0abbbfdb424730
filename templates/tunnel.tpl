{{%AUTOESCAPE context="HTML"}}
  <p class="crumb"><a href="{{BASE}}/">Tunnels</a> / <bdi>{{NAME}}</bdi></p>
  <div class="head">
    <div>
      <span class="state {{CLASS}}" id="state" data-live>{{WORD}}</span>
      <h1>{{NAME}}</h1>
      <span class="addr big"><code>{{HOST}}<b>:{{PORT}}</b></code> <button class="copy needs-js" type="button" data-copy="{{ADDRESS}}">Copy<span class="vh"> {{ADDRESS}}</span></button></span>
    </div>
    <div class="acts" id="acts" data-live>
      {{#RUNNING}}<form method="post" action="{{BASE}}/tunnels/{{ID}}/pause"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn" type="submit">Pause</button></form>{{/RUNNING}}
      {{#PAUSED}}<form method="post" action="{{BASE}}/tunnels/{{ID}}/resume"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn go" type="submit">Resume</button></form>{{/PAUSED}}
      <form method="post" action="{{BASE}}/tunnels/{{ID}}/test"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn" type="submit">Test</button></form>
      <a class="btn" href="{{BASE}}/tunnels/{{ID}}/edit">Edit</a>
      <a class="btn" href="{{BASE}}/download/{{ID}}">Connect a computer</a>
    </div>
  </div>
  <section class="card section" aria-label="Is it working?" id="section" data-live>
    <div class="hillside">
      <svg class="hill" viewBox="0 0 1000 150" preserveAspectRatio="none" aria-hidden="true">
        <path class="hill-rock" d="M0 150V148H236C262 146 272 122 294 104c40-30 90-14 140-48C480 22 520 10 590 14c80 4 110 50 190 62 80 10 130-10 220 6v68z"/>
        <path class="hill-vein" d="M336 88c60-10 84-8 134-36 40-22 80-28 124-22 70 8 110 52 190 64 80 10 130-8 216 10"/>
      </svg>
      <ol class="line big{{#FLOWS}} flow{{/FLOWS}}">
        {{#LAMP}}
        <li class="{{SHAPE}}"><b>{{STATION}}</b> <span>{{SAYS}}</span></li>
        {{/LAMP}}
      </ol>
    </div>
    <p class="says"><strong>{{STRONG}}</strong> {{REST}}</p>
  </section>
  <p class="vh" role="status" id="live-says"></p>
  <p class="small"><span class="live needs-js" id="live"{{#OWNER}} data-tunnel="{{ID}}"{{/OWNER}}>Live</span></p>
  {{#STEPS_CARD}}
  <section class="card" aria-label="Steps" id="steps" data-live>
    <ol class="steps">
      {{#VERIFIED}}
      <li class="done">
        <h2>Verify</h2>
        <p class="soft">Verified {{WHEN}}.</p>
      </li>
      <li class="now" aria-current="step">
        <h2>Download</h2>
        <p>Get what runs on the computer that has the service. It holds a key of its own.</p>
        <div class="acts"><a class="btn go" href="{{BASE}}/download/{{ID}}">Connect a computer</a></div>
      </li>
      <li>
        <h2>Run</h2>
        <p class="soft">Run it there. The lamps come on within a second, and this page follows along.</p>
      </li>
      {{/VERIFIED}}
      {{#BY_ADMIN}}
      <li class="now" aria-current="step">
        <h2>Verify</h2>
        <p>On this server an admin verifies tunnels. Yours waits for one of them; there is nothing to do here.</p>
      </li>
      {{/BY_ADMIN}}
      {{#TO_VERIFY}}
      <li class="now" aria-current="step">
        <h2>Verify</h2>
        {{#GOOD}}
        <p>Open this link here, on your phone, or send it to whoever decides. It works once, until {{UNTIL}}.</p>
        <div class="acts"><a class="btn go" href="{{BASE}}/verify/{{CODE}}">Open the link</a> <button class="btn needs-js" type="button" data-copy="{{URL}}">Copy the link</button></div>
        {{/GOOD}}
        {{#TOO_OLD}}
        <p>The link has ended. Make a new one.</p>
        {{/TOO_OLD}}
        <form method="post" action="{{BASE}}/tunnels/{{ID}}/link"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">New link</button></form>
      </li>
      <li><h2>Download</h2><p class="soft">What runs on the computer that has the service. <a href="{{BASE}}/download/{{ID}}">You can get it already.</a></p></li>
      <li><h2>Run</h2><p class="soft">Run it there, and the lamps come on.</p></li>
      {{/TO_VERIFY}}
    </ol>
  </section>
  {{/STEPS_CARD}}
  {{#HOW_TO_START}}
  <section class="card" id="start" aria-labelledby="fix">
    <h2 id="fix">How to bring it back</h2>
    <ol class="steps">
      <li class="now"><h3>Look at the machine</h3><p>Is it switched on, awake and on the internet?</p></li>
      <li><h3>Start its program</h3><p>Run the same command there again. Lost it? Get a new key, then revoke the old one.</p><div class="acts"><a class="btn" href="{{BASE}}/download/{{ID}}">Get a new key</a></div></li>
      <li><h3>Keep it running</h3><p>The download page has a systemd unit that starts it with the computer.</p></li>
    </ol>
  </section>
  {{/HOW_TO_START}}
  {{#HINT}}
  <section class="card" aria-labelledby="how">
    <h2 id="how">How visitors reach it</h2>
    <p>{{SAYS}}</p>
    <span class="addr"><code>{{COMMAND}}</code> <button class="copy needs-js" type="button" data-copy="{{COMMAND}}">Copy<span class="vh"> {{COMMAND}}</span></button></span>
    {{#RDP}}
    <div class="acts"><a class="btn mini" href="{{BASE}}/tunnels/{{ID}}/rdp">File for Remote Desktop</a></div>
    {{/RDP}}
  </section>
  {{/HINT}}
  <div class="two">
    <section class="card" aria-labelledby="tr">
      <div class="card-head">
        <h2 id="tr">Traffic</h2>
        <nav class="sort small" aria-label="Span of the chart"><ul><li><a href="{{BASE}}/tunnels/{{ID}}"{{#DAY}} aria-current="true"{{/DAY}}>24 hours</a></li><li><a href="{{BASE}}/tunnels/{{ID}}?span=month"{{#MONTH}} aria-current="true"{{/MONTH}}>30 days</a></li></ul></nav>
      </div>
      {{#NO_TRAFFIC}}
      <p class="soft">Nothing has gone through it in this time.</p>
      {{/NO_TRAFFIC}}
      {{#CHART}}
      <div id="chart" data-live>
      <figure class="chart">
        <div class="axis"><span>{{TOP}}</span></div>
        <svg viewBox="0 0 {{WIDTH}} 96" preserveAspectRatio="none" role="img" aria-label="Traffic up to now; the table below has the same figures">
          <path class="grid" d="M0 1H{{WIDTH}}M0 32H{{WIDTH}}"/>
          {{#BAR}}
          <rect class="to" x="{{X}}" y="{{Y}}" width="8" height="{{UP}}"><title>{{WHEN}}, {{BYTES}} to visitors</title></rect>
          <rect class="from" x="{{X}}" y="66" width="8" height="{{DOWN}}"/>
          {{/BAR}}
          <path class="ground" d="M0 65H{{WIDTH}}"/>
        </svg>
        <div class="axis">{{#TICK}}<span>{{WHEN}}</span>{{/TICK}}<span>now</span></div>
      </figure>
      <ul class="key">
        <li><svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><rect class="to" width="12" height="12"/></svg> to visitors, upwards: {{TO_ALL}}</li>
        <li><svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true"><rect class="from" width="12" height="12"/></svg> from visitors, downwards: {{FROM_ALL}}</li>
      </ul>
      </div>
      <details class="more small">
        <summary>The same as a table</summary>
        <table>
          <thead><tr><th scope="col">{{SLOT}}</th><th scope="col" class="num">To visitors</th><th scope="col" class="num">From visitors</th></tr></thead>
          <tbody>
            {{#LINE}}
            <tr><th scope="row">{{WHEN}}</th><td class="num">{{TO}}</td><td class="num">{{FROM}}</td></tr>
            {{/LINE}}
          </tbody>
        </table>
      </details>
      {{/CHART}}
    </section>
    <section class="card" aria-labelledby="lim">
      <div class="card-head"><h2 id="lim">Settings and limits</h2> <a class="small" href="{{BASE}}/tunnels/{{ID}}/edit">Edit<span class="vh"> settings and limits</span></a></div>
      <dl class="facts">
        <dt>Kind</dt><dd>{{KIND}}</dd>
        <dt>Leads to</dt><dd><code>{{TARGET}}</code></dd>
        <dt>Runs on</dt><dd>{{#MACHINE}}<a href="{{BASE}}/machines">{{MACHINE}}</a>{{/MACHINE}}{{#NO_MACHINE}}no computer yet{{/NO_MACHINE}}</dd>
        {{#OWNER}}
        <dt>Belongs to</dt><dd>{{OWNER}}</dd>
        {{/OWNER}}
        <dt>Who may come</dt><dd>{{ALLOW}}</dd>
        {{#DENY}}
        <dt>Who may not</dt><dd>{{DENY}}</dd>
        {{/DENY}}
        <dt>From one address</dt><dd>{{RATE}}</dd>
        <dt>Visitors at once</dt><dd>{{VISITORS_MAX}}</dd>
        <dt>PROXY protocol</dt><dd>{{PROXY}}</dd>
        <dt>Closes on</dt><dd>{{CLOSES}}</dd>
        <dt>Made</dt><dd>{{MADE}}</dd>
      </dl>
      <form class="acts" method="post" action="{{BASE}}/tunnels/{{ID}}/only-me"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Only my address, {{MY_ADDRESS}}</button></form>
    </section>
  </div>
  <section class="card flat" aria-labelledby="vis" id="visitors" data-live>
    <div class="card-head"><h2 id="vis">Connected now</h2></div>
    {{#VISITORS_AWAY}}
    <p class="soft pad">Unknown while the relay is not running.</p>
    {{/VISITORS_AWAY}}
    {{#VISITORS_NONE}}
    <p class="soft pad">Nobody is connected.</p>
    {{/VISITORS_NONE}}
    {{#VISITORS}}
    <table class="stack">
      <thead><tr><th scope="col">From</th><th scope="col">Since</th><th scope="col">By</th><th scope="col" class="num">From visitor</th><th scope="col" class="num">To visitor</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
      <tbody>
        {{#VISITOR}}
        <tr><th scope="row"><code>{{FROM}}</code></th><td data-label="Since"><time datetime="{{SINCE_AT}}">{{SINCE}}</time></td><td data-label="By">{{BY}}</td><td class="num" data-label="From visitor">{{SENT}}</td><td class="num" data-label="To visitor">{{GOT}}</td><td class="num"><form method="post" action="{{BASE}}/tunnels/{{ID}}/visitors/{{VISITOR_ID}}/kick"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini stop" type="submit">Cut off<span class="vh"> {{FROM}}</span></button></form></td></tr>
        {{/VISITOR}}
      </tbody>
    </table>
    {{#VISITORS_MORE}}
    <p class="soft small pad">{{MORE}} connected.</p>
    {{/VISITORS_MORE}}
    {{/VISITORS}}
  </section>
  {{#SESSIONS}}
  <section class="card flat" aria-labelledby="ses">
    <div class="card-head"><h2 id="ses">Sessions of the machine</h2></div>
    <table class="stack">
      <thead><tr><th scope="col">Began</th><th scope="col">Lasted</th><th scope="col">From</th><th scope="col">Ended because</th><th scope="col" class="num">Carried</th></tr></thead>
      <tbody>
        {{#SESSION}}
        <tr><th scope="row"><time datetime="{{BEGAN_AT}}">{{BEGAN}}</time></th><td data-label="Lasted">{{LASTED}}</td><td data-label="From"><code>{{FROM}}</code></td><td data-label="Ended">{{WHY}}</td><td class="num" data-label="Carried">{{CARRIED}}</td></tr>
        {{/SESSION}}
      </tbody>
    </table>
  </section>
  {{/SESSIONS}}
  {{#TRAIL}}
  <section class="card" aria-labelledby="trail">
    <h2 id="trail">What happened</h2>
    <ol class="trail">
      {{#EVENT}}
      <li><time datetime="{{AT}}">{{WHEN}}</time> <span>{{WHO}} {{DID}}.</span></li>
      {{/EVENT}}
    </ol>
  </section>
  {{/TRAIL}}
  <section class="card danger" aria-labelledby="dz">
    <h2 id="dz">Put an end to it</h2>
    <div class="row">
      <div><h3>Delete the tunnel</h3><p class="soft">Visitors are cut off, and after 24 hours port {{PORT}} becomes free for others.</p></div>
      <a class="btn stop" href="{{BASE}}/tunnels/{{ID}}/delete">Delete</a>
    </div>
  </section>
