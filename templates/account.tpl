{{%AUTOESCAPE context="HTML"}}
  <div class="head">
    <div>
      <h1>Account</h1>
      <p>{{EMAIL}}, {{ROLE}} since {{SINCE}}</p>
    </div>
    <form method="post" action="{{BASE}}/signout"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn" type="submit">Sign out</button></form>
  </div>
  {{#FROZEN}}
  <div class="flash bad" role="status"><p><strong>This account is frozen.</strong> Its tunnels are stopped and cannot be changed. Ask the admin of this server why.</p></div>
  {{/FROZEN}}
  <section class="card flat" aria-labelledby="keys">
    <div class="card-head"><h2 id="keys">API keys</h2> <span class="small soft">For programs that act for you</span></div>
    {{#ONCE}}
    <div class="pad">
      <div class="card once" role="status">
        <p><strong>Here is your new key, “<bdi>{{NEW_NAME}}</bdi>”.</strong> It is shown this once; put it where you keep passwords.</p>
        <code>{{KEY_TEXT}}</code>
        <div class="acts"><button class="btn go mini needs-js" type="button" data-copy="{{KEY_TEXT}}">Copy the key</button> <a class="btn mini" href="{{BASE}}/account">I have stored it</a></div>
      </div>
    </div>
    {{/ONCE}}
    {{#KEYS}}
    <table class="stack">
      <thead><tr><th scope="col">Name</th><th scope="col">May</th><th scope="col">Made</th><th scope="col">Last used</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
      <tbody>
        {{#KEY}}
        <tr><th scope="row">{{NAME}}</th><td data-label="May">{{MAY}}</td><td data-label="Made">{{MADE}}</td><td data-label="Last used">{{USED}}</td><td class="num"><form method="post" action="{{BASE}}/account/keys/{{KEY_ID}}/revoke"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini stop" type="submit">Revoke<span class="vh"> {{NAME}}</span></button></form></td></tr>
        {{/KEY}}
      </tbody>
    </table>
    {{/KEYS}}
    <form class="pad side" method="post" action="{{BASE}}/account/keys">
      <input type="hidden" name="token" value="{{TOKEN}}">
      <div class="field"><label for="name">Name of a new key</label><input id="name" name="name" type="text" maxlength="100" value="{{KEY_NAME}}" required{{#NAME_WRONG}} aria-invalid="true" aria-describedby="name-e"{{/NAME_WRONG}}>{{#NAME_WRONG}}<p class="wrong" id="name-e">{{SAYS}}</p>{{/NAME_WRONG}}</div>
      <div class="field"><label for="scope">It may</label><p class="hint" id="scope-h"><code>adit tcp</code>, <code>udp</code> and <code>both</code> need read and write.</p><select id="scope" name="scope" aria-describedby="scope-h"><option value="write">read and write</option><option value="read"{{#ONLY_READS}} selected{{/ONLY_READS}}>read only</option></select></div>
      <button class="btn" type="submit">Make a key</button>
    </form>
  </section>
  <div class="two even">
    <section class="card" aria-labelledby="pw">
      <h2 id="pw">Password</h2>
      <form class="form" method="post" action="{{BASE}}/account/password">
        <input type="hidden" name="token" value="{{TOKEN}}">
        <input class="vh" type="text" name="user" value="{{EMAIL}}" autocomplete="username" aria-label="Email" tabindex="-1" readonly>
        <div class="field"><label for="old">Password now</label><input id="old" name="old" type="password" autocomplete="current-password" required{{#OLD_WRONG}} aria-invalid="true" aria-describedby="old-e"{{/OLD_WRONG}}>{{#OLD_WRONG}}<p class="wrong" id="old-e">{{SAYS}}</p>{{/OLD_WRONG}}</div>
        <div class="field"><label for="new">New password</label><p class="hint" id="new-h">At least {{PASSWORD_MIN}} characters; four plain words are fine.</p><input id="new" name="new" type="password" autocomplete="new-password" minlength="{{PASSWORD_MIN}}" required{{#NEW_WRONG}} aria-invalid="true" aria-describedby="new-e"{{/NEW_WRONG}}>{{#NEW_WRONG}}<p class="wrong" id="new-e">{{SAYS}}</p>{{/NEW_WRONG}}</div>
        <div class="acts"><button class="btn" type="submit">Change it and sign out elsewhere</button></div>
      </form>
    </section>
    <section class="card flat" aria-labelledby="ws">
      <div class="card-head"><h2 id="ws">Where you are signed in</h2></div>
      <table class="stack">
        <thead><tr><th scope="col">Browser</th><th scope="col">Address</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
        <tbody>
          {{#SESSION}}
          <tr><th scope="row">{{BROWSER}}<br><span class="soft small">{{SEEN}}</span></th><td data-label="Address"><code>{{ADDRESS}}</code></td><td class="num">{{#OTHER}}<form method="post" action="{{BASE}}/account/sessions/{{SESSION_ID}}/end"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Sign out<span class="vh"> {{BROWSER}}, {{SEEN}}</span></button></form>{{/OTHER}}</td></tr>
          {{/SESSION}}
        </tbody>
      </table>
    </section>
  </div>
