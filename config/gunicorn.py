"""How gunicorn serves the portal: ``gunicorn --config python:config.gunicorn 'wsgi:create_app()'``."""

workers = 2
threads = 4
graceful_timeout = 2  # seconds for calls that are under way when it stops
control_socket_disable = True  # it would be made in the home directory
