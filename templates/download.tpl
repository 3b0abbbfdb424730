{{%AUTOESCAPE context="HTML"}}
  <p class="crumb"><a href="{{BASE}}/">Tunnels</a> / <a href="{{BASE}}/tunnels/{{ID}}"><bdi>{{NAME}}</bdi></a> / Connect a computer</p>
  <div class="head">
    <div>
      <h1>Connect a computer</h1>
      <p>For “<bdi>{{NAME}}</bdi>”: the one that has the service at <code>{{TARGET}}</code>. It calls the relay by itself; its router needs no settings.</p>
    </div>
  </div>
  {{#NOT_VERIFIED}}
  <div class="flash warn" role="status"><p><strong>Not verified yet.</strong> You can connect the computer already; the tunnel opens once its <a href="{{BASE}}/tunnels/{{ID}}">link</a> was used.</p></div>
  {{/NOT_VERIFIED}}
  {{#ASK}}
  <form class="card form narrow" method="post" action="{{BASE}}/download/{{ID}}">
    <input type="hidden" name="token" value="{{TOKEN}}">
    {{#SOME}}
    <fieldset>
      <legend>On which computer?</legend>
      <div class="picks">
        <label class="pick"><input type="radio" name="machine" value="new"{{#NEW_ONE}} checked{{/NEW_ONE}}> <b>A new one</b> <span class="hint">called {{NAME}}</span></label>
        {{#PICK}}
        <label class="pick"><input type="radio" name="machine" value="{{MACHINE_ID}}"{{#CHOSEN}} checked{{/CHOSEN}}> <b>{{MACHINE_NAME}}</b> <span class="hint">{{SYSTEM}}</span></label>
        {{/PICK}}
      </div>
    </fieldset>
    {{/SOME}}
    {{#FIRST}}
    <input type="hidden" name="first" value="1">
    {{/FIRST}}
    <div class="form" id="ways" data-live>
    {{#WINDOWS}}
    <p>You get one file, with a key for that computer in it. Double-click it there and leave its window open, or press I in it: then it starts by itself from now on, without a window.</p>
    <div class="acts"><button class="btn go" type="submit" name="for" value="windows">Download for Windows</button></div>
    <p class="small soft">The first time, Windows may say “Windows protected your PC”, because it does not know this file: choose “More info”, then “Run anyway”. The file fetches the client program from this server and starts it only when its SHA-256 is the right one. It asks for no administrator. Keep it to yourself: who has it can serve this tunnel; each file’s key can be revoked alone.</p>
    <p>Another system: the next button makes a key and shows, once, what to run there.</p>
    <div class="acts"><button class="btn" type="submit">Make a key and show the command for Linux</button><a class="btn" href="{{BASE}}/tunnels/{{ID}}">Watch the lamps</a></div>
    {{/WINDOWS}}
    {{#NOT_WINDOWS}}
    <p>The button makes a key for that computer and shows, once, what to run there.</p>
    <div class="acts"><button class="btn go" type="submit">Make a key and show the command for Linux</button></div>
    {{/NOT_WINDOWS}}
    {{#WINDOWS_BUILDING}}
    <p class="small soft" data-look>Windows: the program is being built at this moment{{#SAYS}}: <code>{{SAYS}}</code>{{/SAYS}}. In a few minutes this page offers a file to double-click.<noscript> Load it again then.</noscript></p>
    {{/WINDOWS_BUILDING}}
    {{#NO_WINDOWS}}
    <p class="small soft">Windows: a file to double-click comes with the client program for Windows, which this server does not have yet.</p>
    {{/NO_WINDOWS}}
    </div>
  </form>
  {{/ASK}}
  {{#KEY_SHOWN}}
  <section class="card once" role="status" aria-labelledby="key-h">
    <h2 id="key-h">Your key</h2>
    <p>It is shown this once. It opens this tunnel’s machine and nothing else; you can revoke it alone.</p>
    <code id="key">{{KEY}}</code>
    <div class="acts"><button class="btn go mini needs-js" type="button" data-copy="{{KEY}}">Copy the key</button></div>
  </section>
  <section class="card" aria-labelledby="linux">
    <h2 id="linux">On Linux</h2>
    <ol class="steps">
      <li class="now"><h3>Get the program</h3>
        {{#PROGRAM}}
        <p>One file that runs on any Linux (x86_64); its SHA-256 begins with <code>{{HASH}}</code>. Then put it in its place:</p>
        <div class="acts"><a class="btn" href="{{BASE}}/client/{{FILE}}">Program for Linux</a></div>
        <div class="cmd"><pre class="console" id="cmd-put">install -D -m 755 ~/Downloads/{{FILE}} ~/.local/bin/adit</pre><button class="copy needs-js" type="button" data-copy>Copy<span class="vh"> the command that puts it in its place</span></button></div>
        {{/PROGRAM}}
        {{#BUILDING}}
        <p>The program for any Linux is being built at this moment{{#SAYS}}: <code>{{SAYS}}</code>{{/SAYS}}. In a few minutes it is here: <code>{{URL}}</code>. Your key stays good meanwhile.</p>
        {{/BUILDING}}
        {{#OWN_PROGRAM}}
        <p>This one is for {{SYSTEM}}, the system of this server, and newer ones of its kind; its SHA-256 begins with <code>{{HASH}}</code>. It needs <code>libssl3</code> and <code>libhttp-parser2.9</code>. Then put it in its place:</p>
        <div class="acts"><a class="btn" href="{{BASE}}/client/{{FILE}}">Program for {{SYSTEM}}</a></div>
        <div class="cmd"><pre class="console" id="cmd-put-own">install -D -m 755 ~/Downloads/{{FILE}} ~/.local/bin/adit</pre><button class="copy needs-js" type="button" data-copy>Copy<span class="vh"> the command that puts it in its place</span></button></div>
        {{/OWN_PROGRAM}}
        {{#NO_PROGRAM}}
        <p>This server has no program to download yet. On that computer, <code>make</code> in Adit’s source makes it: <code>build/adit</code>; then put it in its place:</p>
        <div class="cmd"><pre class="console">install -D -m 755 build/adit ~/.local/bin/adit</pre><button class="copy needs-js" type="button" data-copy>Copy<span class="vh"> the command that puts it in its place</span></button></div>
        {{/NO_PROGRAM}}</li>
      <li><h3>Store the key</h3><p>Run this, paste the key, press Enter, then Ctrl-D.</p>
        <div class="cmd"><pre class="console" id="cmd-key">mkdir -p ~/.config/adit
(umask 077; cat &gt; ~/.config/adit/machine-{{MACHINE_ID}}.key)</pre><button class="copy needs-js" type="button" data-copy>Copy<span class="vh"> the command that stores the key</span></button></div></li>
      <li><h3>Start it</h3><p>The window shows the lamps; Ctrl-C ends it. If <code>adit</code> is not found, say <code>~/.local/bin/adit</code>; from the next sign-in on, the short name does.</p>
        <div class="cmd"><pre class="console" id="cmd-run">adit connect \
  --server {{SERVER}} \
  --pin {{PIN}} \
  --allow {{ALLOWED}} \
  --token-file ~/.config/adit/machine-{{MACHINE_ID}}.key</pre><button class="copy needs-js" type="button" data-copy>Copy<span class="vh"> the command that starts it</span></button></div></li>
      <li><h3>Keep it running</h3><p>The same with <code>install</code>: it starts now and whenever you sign in (by systemd). <code>adit status</code> says how it is, <code>adit uninstall machine-{{MACHINE_ID}}</code> takes it back.</p>
        <div class="cmd"><pre class="console" id="cmd-install">adit install --name machine-{{MACHINE_ID}} \
  --server {{SERVER}} \
  --pin {{PIN}} \
  --allow {{ALLOWED}} \
  --token-file ~/.config/adit/machine-{{MACHINE_ID}}.key</pre><button class="copy needs-js" type="button" data-copy>Copy<span class="vh"> the command that keeps it running</span></button></div></li>
    </ol>
    <div class="acts"><a class="btn" href="{{BASE}}/tunnels/{{ID}}">Watch the lamps</a></div>
  </section>
  {{/KEY_SHOWN}}
  {{#KEYS}}
  <section class="card flat" aria-labelledby="keys">
    <div class="card-head"><h2 id="keys">Keys of its machine</h2></div>
    <table class="stack">
      <thead><tr><th scope="col">Made</th><th scope="col">State</th><th scope="col">Last used</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
      <tbody>
        {{#KEY}}
        <tr><th scope="row">{{MADE}}</th><td data-label="State"><span class="state {{SHAPE}}">{{STATE}}</span></td><td data-label="Last used">{{USED}}</td><td class="num">{{#REVOKE}}<form method="post" action="{{BASE}}/keys/{{KEY_ID}}/revoke"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini stop" type="submit">Revoke<span class="vh"> the key of {{MADE}}</span></button></form>{{/REVOKE}}</td></tr>
        {{/KEY}}
      </tbody>
    </table>
  </section>
  {{/KEYS}}
