#!/usr/bin/env python3
"""Does what client.py does, with the library (clients/python): the token of the pod, and what is sent again, are its own business."""

import os
import socket

import chartroom

with chartroom.Client() as client:
    project = client.projects.get(os.environ["PROJECT_ID"])
    print(project.model_dump_json())
    post = client.posts.create("From a pod", f"Written by {socket.gethostname()}.", project=project)
    print(post.model_dump_json())
