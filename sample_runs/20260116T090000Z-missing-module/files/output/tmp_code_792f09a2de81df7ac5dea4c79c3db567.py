import fake_module

print(fake_module.compare("wednesday.csv", "thursday.csv"))