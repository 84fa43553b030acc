"""PostgreSQL, Valkey and NGINX from wheels, as supervised local processes (DESIGN section 7).

| question | open |
|---|---|
| How a process is started, watched, restarted, stopped | `supervisor.py`, `supervised.py` |
| What a process needs to be supervised | `process.py` |
| How a restart is paced, and when it is given up | `restart_budget.py` |
| How the leftovers of a killed supervisor are found | `process_lock.py`, `launch.py` |
| Where things lie on disk | `data_dir.py`, `secrets_file.py`, `log_file.py` |
| How a second `feira up` on the same data is refused | `data_lock.py` |
| Who runs them when we are root | `os_user.py`, `binaries.py` |
| The parts | `postgres.py`, `valkey.py`, `nginx.py` |

A part is prepared (files written, nothing running) and gives a `ProcessSpec`; a `Supervisor` runs
it.
"""
