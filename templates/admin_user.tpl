{{%AUTOESCAPE context="HTML"}}
  <p class="crumb"><a href="{{BASE}}/admin">Admin</a> / <a href="{{BASE}}/admin#users">Users</a> / {{USER_EMAIL}}</p>
  <div class="head">
    <div>
      <h1>{{USER_EMAIL}}</h1>
      <p>{{USER_ROLE}} since {{SINCE}}, with {{TUNNELS}} and {{MACHINES}}</p>
    </div>
  </div>
  <section class="card narrow" aria-labelledby="pw">
    <h2 id="pw">A new password</h2>
    <form class="form" method="post" action="{{BASE}}/admin/users/{{USER_ID}}/password">
      <input type="hidden" name="token" value="{{TOKEN}}">
      <div class="field"><label for="new">New password</label><p class="hint" id="new-h">Tell it to them in person. All their browsers are signed out.</p><input id="new" name="new" type="password" autocomplete="new-password" minlength="{{PASSWORD_MIN}}" required{{#NEW_WRONG}} aria-invalid="true" aria-describedby="new-e"{{/NEW_WRONG}}>{{#NEW_WRONG}}<p class="wrong" id="new-e">{{SAYS}}</p>{{/NEW_WRONG}}</div>
      <div class="acts"><button class="btn" type="submit">Set the password</button></div>
    </form>
  </section>
  {{#OTHER}}
  <section class="card danger narrow" aria-labelledby="dz">
    <h2 id="dz">Put an end to it</h2>
    <div class="row">
      <div><h3>Delete the account</h3><p class="soft">With {{TUNNELS}} and {{MACHINES}}. This cannot be taken back.</p></div>
      <details class="confirm">
        <summary class="btn stop">Delete</summary>
        <div class="form">
          <p><strong>Everything of {{USER_EMAIL}} is deleted.</strong> To stop it for now, freeze the account instead.</p>
          <form method="post" action="{{BASE}}/admin/users/{{USER_ID}}/remove"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn stop go" type="submit">Yes, delete the account</button></form>
        </div>
      </details>
    </div>
  </section>
  {{/OTHER}}
