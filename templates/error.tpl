{{%AUTOESCAPE context="HTML"}}
  <div class="card">
    <p class="soft">{{STATUS}}</p>
    <h1>{{TITLE}}</h1>
    <p>{{SAYS}}</p>
    {{#RETRY}}
    <p class="soft">For the admin: the reason is in the log of <code>webapp</code>.</p>
    {{/RETRY}}
    <div class="acts"><a class="btn go" href="{{BASE}}/">{{GO}}</a></div>
  </div>
